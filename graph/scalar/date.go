package scalar

import (
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// MarshalDate writes a day of the calendar.
func MarshalDate(d calendar.Date) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+d.String()+`"`) })
}

// UnmarshalDate reads a day of the calendar, in ISO 8601.
func UnmarshalDate(value any) (calendar.Date, error) {
	if text, ok := value.(string); ok {
		if d, err := calendar.ParseDate(text); err == nil {
			return d, nil
		}
	}
	return 0, fault.New(fault.BadUserInput, "A day of the calendar is needed, such as 2026-05-01.")
}
