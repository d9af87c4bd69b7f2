package event

import (
	"bytes"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

var null = []byte("null")

// fields reads the members of a call, in the order of their bits in message.seen.
var fields = []struct {
	name string
	read func(m *message, value []byte) *fault.Error
}{
	{"type", func(m *message, v []byte) (p *fault.Error) {
		if !bytes.Equal(v, null) {
			m.kind, p = readText(v)
		}
		return p
	}},
	{"event", func(m *message, v []byte) (p *fault.Error) { m.Type, p = readText(v); return p }},
	{"name", func(m *message, v []byte) (p *fault.Error) { m.name, p = readText(v); return p }},
	{"userId", func(m *message, v []byte) (p *fault.Error) { m.UserID, p = readID(v); return p }},
	{"anonymousId", func(m *message, v []byte) (p *fault.Error) { m.AnonymousID, p = readID(v); return p }},
	{"messageId", func(m *message, v []byte) (p *fault.Error) { m.MessageID, p = readText(v); return p }},
	{"timestamp", func(m *message, v []byte) (p *fault.Error) { m.Timestamp, p = readInstant(v); return p }},
	{"originalTimestamp", func(m *message, v []byte) (p *fault.Error) { m.original, p = readInstant(v); return p }},
	{"sentAt", func(m *message, v []byte) (p *fault.Error) { m.SentAt, p = readInstant(v); return p }},
	{"properties", func(m *message, v []byte) *fault.Error { m.Properties = v; return nil }},
	{"context", func(m *message, v []byte) *fault.Error { m.Context = v; return nil }},
}

// member takes one member of a call. One that nothing reads is refused: a misspelt
// "propertis" would otherwise be lost without a word.
func (m *message) member(quoted, value []byte) *fault.Error {
	name, problem := readText(quoted)
	if problem != nil {
		return problem.In("event")
	}
	for i, f := range fields {
		if f.name != name {
			continue
		}
		if m.seen&(1<<i) != 0 {
			return fault.Input(name, "The name occurs twice.")
		}
		m.seen |= 1 << i
		if problem := f.read(m, value); problem != nil {
			return problem.In(name)
		}
		return nil
	}
	if !isPassedOver(name) {
		return fault.Input(shortField(name), "There is no such field in an event.")
	}
	if !jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true)) {
		return fault.Input(shortField(name), "The JSON is malformed.")
	}
	return nil
}

// shortField names a member that the sender made up, unless there is nothing to repeat, or
// too much.
func shortField(name string) string {
	if name == "" || len(name) > maxText {
		return "event"
	}
	return name
}

// readText reads a string; null is none.
func readText(value []byte) (string, *fault.Error) {
	if bytes.Equal(value, null) {
		return "", nil
	}
	if len(value) == 0 || value[0] != '"' {
		return "", fault.Input("", "A text is needed.")
	}
	if content := value[1:max(1, len(value)-1)]; len(value) > 1 && isPlain(content) {
		return string(content), nil
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", fault.Input("", "The text is malformed.").Because(err)
	}
	return string(text), nil
}

// isPlain reports whether the content of a string says just what is written there.
func isPlain(content []byte) bool {
	for _, c := range content {
		if c < ' ' || c == '\\' || c == '"' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// readID reads an id: a text, or a number as some senders have it; null is none.
func readID(value []byte) (string, *fault.Error) {
	if c := value[0]; (c == '-' || c >= '0' && c <= '9') && jsontext.Value(value).IsValid() {
		return string(value), nil
	}
	text, problem := readText(value)
	if problem != nil {
		return "", fault.Input("", "An id is a text or a number.")
	}
	return text, nil
}

// layouts are RFC 3339, and the same with a zone without its colon.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"}

// readInstant reads a timestamp in ISO 8601 as senders write it; null is none.
func readInstant(value []byte) (time.Time, *fault.Error) {
	text, problem := readText(value)
	if problem == nil && text == "" && bytes.Equal(value, null) {
		return time.Time{}, nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); problem == nil && err == nil {
			return Given(t), nil
		}
	}
	return time.Time{}, fault.Input("", "A time in RFC 3339 is needed, such as 2026-05-01T09:30:00Z.")
}

// Given marks an instant as given where it is the zero one, which stands for none: the
// instant before it is as much too early.
func Given(t time.Time) time.Time {
	if t.IsZero() {
		return t.Add(-1)
	}
	return t
}

// asJSON writes a text as JSON.
func asJSON(text string) []byte {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil { // the text was read from JSON, so it is valid
		return []byte(`""`)
	}
	return quoted
}

// wellFormed checks that a body is one JSON object, and nothing after it.
func wellFormed(body []byte) *fault.Error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if decoder.PeekKind() != '{' {
		return errNoObject
	}
	if err := decoder.SkipValue(); err != nil {
		return badJSON(err).In("body")
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}
