// Package scalar reads and writes the schema's own scalars.
package scalar

import (
	"encoding/json"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// MarshalDateTime writes an instant in UTC, in RFC 3339.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		buffer := make([]byte, 0, len(time.RFC3339Nano)+2)
		buffer = append(buffer, '"')
		buffer = t.UTC().AppendFormat(buffer, time.RFC3339Nano)
		_, _ = w.Write(append(buffer, '"')) // gqlgen's writer is a buffer, which doesn't fail
	})
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
