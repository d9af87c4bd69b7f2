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

// field is a member that is read, of a shape M.
type field[M any] struct {
	name string
	read func(m *M, value []byte) *fault.Error
}

// readField reads a member if it is one of those; twice is a problem. seen has a bit for each.
func readField[M any](fields []field[M], m *M, seen *uint64, name string, value []byte) (known bool, problem *fault.Error) {
	for i, f := range fields {
		if f.name != name {
			continue
		}
		if *seen&(1<<i) != 0 {
			return true, fault.Input(name, "The name occurs twice.")
		}
		*seen |= 1 << i
		if problem := f.read(m, value); problem != nil {
			return true, problem.In(name)
		}
		return true, nil
	}
	return false, nil
}

// passOver takes a member that nothing reads, if it is one that senders are known to add. Any
// other is refused: a misspelt "propertis" would otherwise be lost without a word.
func passOver(name string, value []byte, isKnown bool) *fault.Error {
	if !isKnown {
		return fault.Input(shortField(name), "There is no such field in an event.")
	}
	if !jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true)) {
		return fault.Input(shortField(name), "The JSON is malformed.")
	}
	return nil
}

// readItem takes an event apart and settles what it says. idName is the member that has its
// id, which is looked for where the rest cannot be read.
func readItem(raw []byte, idName string, e *Incoming, member func(name, value []byte) *fault.Error, settle func() *fault.Error) Item {
	if len(raw) > limits.Event {
		return Item{Incoming: Incoming{MessageID: salvageID(raw, idName)}, Problem: tooLarge()}
	}
	s := &scanner{data: raw}
	problem := s.object(member)
	switch {
	case problem != nil && problem.Field == "body":
		problem = problem.In("event")
	case problem == nil && !s.ended():
		problem = errTrailing.In("event")
	}
	if problem == nil {
		problem = settle()
	}
	if e.MessageID == "" || checkText("messageId", e.MessageID) != nil {
		e.MessageID = salvageID(raw, idName)
	}
	return Item{Incoming: *e, Problem: problem}
}

// salvageID looks for the message id of an item that is otherwise unreadable: it lets the
// sender find its event.
func salvageID(raw []byte, idName string) string {
	id, problem := readText(memberOf(raw, idName))
	if problem != nil || checkText("messageId", id) != nil {
		return ""
	}
	return id
}

// memberOf finds a member of an object, as it stands: the first of that name, as far as the
// object can be read. nil if there is none.
func memberOf(object []byte, name string) (found []byte) {
	if !bytes.Contains(object, []byte(name)) { // most have not, and a name is hardly ever escaped
		return nil
	}
	_ = (&scanner{data: object}).object(func(quoted, value []byte) *fault.Error {
		if found == nil && len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
			found = value
		}
		return nil
	})
	return found
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

// isNone reports whether a member says nothing: it is missing, or null.
func isNone(value []byte) bool {
	value = bytes.TrimSpace(value)
	return len(value) == 0 || bytes.Equal(value, null)
}

// withMember puts a member before those of an object, which is one or says nothing.
func withMember(name string, value, object []byte) []byte {
	made := newObject(len(name) + len(value) + len(object))
	made.add(asJSON(name), value)
	_ = (&scanner{data: object}).object(func(quoted, value []byte) *fault.Error { // the caller has looked
		made.add(quoted, value)
		return nil
	})
	return made.close()
}

// newMembers is a JSON object in the making, of members as they stand.
type newMembers struct{ text []byte }

func newObject(size int) *newMembers { return &newMembers{append(make([]byte, 0, size+8), '{')} }

func (o *newMembers) add(quoted, value []byte) {
	if len(o.text) > 1 {
		o.text = append(o.text, ',')
	}
	o.text = append(append(append(o.text, quoted...), ':'), value...)
}

func (o *newMembers) close() []byte { return append(o.text, '}') }

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
