package event

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// instant reads a timestamp in ISO 8601 as senders write it; null is none.
type instant struct{ time.Time }

// layouts are RFC 3339, and the same with a zone without its colon.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"}

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (i *instant) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	token, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		return nil
	case '"':
		text := token.String()
		for _, layout := range layouts {
			if t, err := time.Parse(layout, text); err == nil {
				i.Time = t
				return nil
			}
		}
	}
	return fault.Input("timestamp", "A time in RFC 3339 is needed, such as 2026-05-01T09:30:00Z.")
}

// identifier reads an id: a text, or a number as some senders have it; null is none.
type identifier string

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (i *identifier) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	token, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		return nil
	case '"', '0':
		*i = identifier(token.String())
		return nil
	}
	return fault.Input("userId", "An id is a text or a number.")
}
