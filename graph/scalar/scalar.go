// Package scalar reads and writes the schema's own scalars.
package scalar

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// MarshalInt writes a number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt reads a whole number of 32 bits (GraphQL specification, "Int"), and nothing
// that could be mistaken for one.
func UnmarshalInt(value any) (int, error) {
	var number int64
	var err error
	switch v := value.(type) {
	case json.Number:
		number, err = v.Int64()
	case int64:
		number = v
	case int:
		number = int64(v)
	default:
		return 0, errNoInt
	}
	if err != nil || number != int64(int32(number)) {
		return 0, errNoInt
	}
	return int(number), nil
}

var errNoInt = fault.New(fault.BadUserInput, "A whole number of 32 bits is needed.")

// MarshalString writes a text.
func MarshalString(text string) graphql.Marshaler { return graphql.MarshalString(text) }

// UnmarshalString reads a text, and nothing that could be written as one.
func UnmarshalString(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	return "", fault.New(fault.BadUserInput, "A text is needed.")
}

// MarshalDateTime writes an instant in UTC, in RFC 3339. One that was stamped has the mark
// before it.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		// gqlgen's writer is a buffer, which doesn't fail
		_, _ = w.Write(AppendStamped(make([]byte, 0, len(time.RFC3339Nano)+2), t))
	})
}

// AppendStamped appends an instant, with the mark before it if it was stamped.
func AppendStamped(buffer []byte, t time.Time) []byte {
	if topic.IsStamp(t) {
		buffer = append(buffer, StampMark...)
	}
	return AppendDateTime(buffer, t)
}

// StampMark is what stands before a stamped instant. It is random, so that no data can
// contain it.
var StampMark = "stamp-" + rand.Text()

// AppendDateTime appends an instant as MarshalDateTime writes it.
func AppendDateTime(buffer []byte, t time.Time) []byte {
	buffer = t.UTC().AppendFormat(append(buffer, '"'), time.RFC3339Nano)
	return append(buffer, '"')
}

// UnmarshalDateTime reads an instant in RFC 3339 with a zone.
func UnmarshalDateTime(value any) (time.Time, error) {
	if text, ok := value.(string); ok {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.BadUserInput, "A time in RFC 3339 is needed, such as 2026-05-01T09:30:00Z.")
}

// MarshalJSONObject writes an object as it is kept.
func MarshalJSONObject(object []byte) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(object) })
}

// MarshalJSON writes a value as it is kept.
func MarshalJSON(value json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(value) })
}

// UnmarshalJSON reads a value.
func UnmarshalJSON(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fault.New(fault.BadUserInput, "A JSON value is needed.").Because(err)
	}
	return text, nil
}

// UnmarshalJSONObject reads an object.
func UnmarshalJSONObject(value any) ([]byte, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, fault.New(fault.BadUserInput, "A JSON object is needed.")
	}
	object, err := json.Marshal(members)
	if err != nil {
		return nil, fault.New(fault.BadUserInput, "A JSON object is needed.").Because(err)
	}
	return object, nil
}

// MarshalMinorUnits writes an amount.
func MarshalMinorUnits(amount int64) graphql.Marshaler { return graphql.MarshalInt64(amount) }

// UnmarshalMinorUnits reads a whole number that JavaScript holds exactly, and nothing that could
// be mistaken for one.
func UnmarshalMinorUnits(value any) (amount int64, err error) {
	const most = 1<<53 - 1
	switch v := value.(type) {
	case json.Number:
		amount, err = v.Int64()
	case int64:
		amount = v
	case int:
		amount = int64(v)
	default:
		err = errNoAmount
	}
	if err != nil || amount > most || amount < -most {
		return 0, errNoAmount
	}
	return amount, nil
}

var errNoAmount = fault.New(fault.BadUserInput, "A whole number of minor units is needed.")
