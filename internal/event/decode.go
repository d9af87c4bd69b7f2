package event

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Segment's HTTP tracking API (Segment documentation, "HTTP API" and "Spec: common
// fields") gives the shapes read here.

// The bounds of a batch beside its size.
const (
	MaxBatchEvents = 5_000
	// What a context of the whole batch may come to, repeated in every event.
	maxShared = 4 << 20
)

// DecodeOne reads one call of /v1/track. The error, a fault, means that the body is not a
// JSON object at all; what is wrong with the event itself stands in the item.
func DecodeOne(body []byte) (Item, error) {
	if problem := wellFormed(body); problem != nil {
		return Item{}, problem
	}
	return decodeItem(bytes.TrimSpace(body), batchDefaults{kind: "track"}), nil
}

// DecodeBatch reads /v1/batch: {"batch": [call, …], "sentAt": …, "context": {…}}. The
// error, a fault, means that the body as a whole cannot be read; each item tells for
// itself what is wrong with it.
func DecodeBatch(body []byte) ([]Item, error) {
	var e envelope
	s := &scanner{data: body}
	if problem := s.object(e.member); problem != nil {
		return nil, problem
	}
	if !s.ended() {
		return nil, errTrailing
	}
	defaults, problem := e.defaults()
	if problem != nil {
		return nil, problem
	}
	items := make([]Item, len(e.batch))
	for i, raw := range e.batch {
		items[i] = decodeItem(raw, defaults)
	}
	return items, nil
}

// envelope is what stands around a batch.
type envelope struct {
	batch   [][]byte
	sentAt  time.Time
	context []byte
	seen    map[string]bool
}

// member takes one member of the envelope. One that nothing reads is passed over: senders
// put their own there.
func (e *envelope) member(quoted, value []byte) (problem *fault.Error) {
	name, problem := readText(quoted)
	if problem != nil {
		return problem.In("body")
	}
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	switch name {
	case "batch":
		if value[0] != '[' {
			return fault.Input(name, "A list of events is needed.")
		}
		if e.batch, problem = (&scanner{data: value}).list(MaxBatchEvents); problem != nil {
			return problem
		}
	case "sentAt":
		e.sentAt, problem = readInstant(value)
	case "context":
		e.context = value
	default:
		if !jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			return errMalformed
		}
		return nil
	}
	if problem == nil && e.seen[name] {
		problem = fault.Input(name, "The name occurs twice.")
	}
	e.seen[name] = true
	if problem != nil {
		return problem.In(name)
	}
	return nil
}

// defaults is what the envelope says for all of its items.
func (e *envelope) defaults() (d batchDefaults, problem *fault.Error) {
	switch {
	case e.batch == nil:
		return d, fault.Input("batch", "A list of events is needed.")
	case len(e.batch) == 0:
		return d, fault.Input("batch", "The list of events is empty.")
	case len(e.batch) > MaxBatchEvents:
		return d, fault.Input("batch", "At most %d events are allowed.", MaxBatchEvents)
	case len(e.context)*len(e.batch) > maxShared:
		return d, fault.New(fault.TooLarge, "The context is too large to be repeated in every event.").In("context")
	}
	d.sentAt = e.sentAt
	if len(e.context) > 0 {
		d.context, problem = sealObject("context", e.context)
	}
	return d, problem
}

// batchDefaults is what an item has where it says nothing itself.
type batchDefaults struct {
	sentAt  time.Time
	context checkedObject
	kind    string // the call's type
}

// message is one call in Segment's shape.
type message struct {
	Incoming
	kind     string
	name     string // of a page or screen
	original time.Time
	seen     uint64 // which members there were
}

func decodeItem(raw []byte, defaults batchDefaults) Item {
	if len(raw) > MaxEventBytes {
		return Item{Incoming: Incoming{MessageID: salvageID(raw)}, Problem: tooLarge()}
	}
	m := message{kind: defaults.kind}
	s := &scanner{data: raw}
	problem := s.object(m.member)
	switch {
	case problem != nil && problem.Field == "body":
		problem = problem.In("event")
	case problem == nil && !s.ended():
		problem = errTrailing.In("event")
	}
	if problem == nil {
		problem = m.settle(defaults)
	}
	if m.MessageID == "" || checkText("messageId", m.MessageID) != nil {
		m.MessageID = salvageID(raw)
	}
	return Item{Incoming: m.Incoming, Problem: problem}
}

// settle fills in what the item leaves to its batch, and checks the whole.
func (m *message) settle(defaults batchDefaults) *fault.Error {
	if m.Timestamp.IsZero() {
		m.Timestamp = m.original
	}
	if m.SentAt.IsZero() {
		m.SentAt = defaults.sentAt
	}
	if problem := m.settleType(); problem != nil {
		return problem
	}
	if problem := m.checkFields(); problem != nil {
		return problem
	}
	context := defaults.context
	if len(m.Context) > 0 || context.text == nil {
		var problem *fault.Error
		if context, problem = sealObject("context", m.Context); problem != nil {
			return problem
		}
	}
	return m.complete(context)
}

// settleType names the event: a tracked one by its own name, a page or screen by what it
// is, with its name among the properties.
func (m *message) settleType() *fault.Error {
	switch m.kind {
	case "track":
		return nil
	case "page", "screen":
		m.Type = "$" + m.kind
		return m.addName()
	case "":
		return fault.Input("type", "An item of a batch needs a type: track, page or screen.")
	}
	return fault.Input("type", "Only track, page and screen are taken.")
}

// addName puts the name of a page among its properties, unless they have one.
func (m *message) addName() *fault.Error {
	if m.name == "" {
		return nil
	}
	own, empty := false, true
	if len(m.Properties) > 0 && !bytes.Equal(m.Properties, null) {
		s := &scanner{data: m.Properties}
		problem := s.object(func(quoted, _ []byte) *fault.Error {
			name, problem := readText(quoted)
			own, empty = own || name == "name", false
			return problem
		})
		if problem != nil {
			return problem.In("properties")
		}
	}
	if own {
		return nil
	}
	rest := []byte("}")
	if !empty {
		rest = slices.Concat([]byte(","), m.Properties[bytes.IndexByte(m.Properties, '{')+1:])
	}
	m.Properties = slices.Concat([]byte(`{"name":`), asJSON(m.name), rest)
	return nil
}

// salvageID looks for the message id of an item that is otherwise unreadable: it lets the
// sender find its event.
func salvageID(raw []byte) (id string) {
	_ = (&scanner{data: raw}).object(func(name, value []byte) *fault.Error { // as far as it can be read
		if string(name) == `"messageId"` && id == "" {
			if text, problem := readText(value); problem == nil && checkText("messageId", text) == nil {
				id = text
			}
		}
		return nil
	})
	return id
}

// WriteKey finds the key that some senders put into the body, as its member writeKey; "" if
// there is none, or the body cannot be read.
func WriteKey(body []byte) (key string) {
	_ = (&scanner{data: body}).object(func(name, value []byte) *fault.Error { // as far as it can be read
		if string(name) == `"writeKey"` && key == "" {
			key, _ = readText(value)
		}
		return nil
	})
	return key
}

// passedOver are the members that senders add and that carry nothing to count.
var passedOver = map[string]bool{
	"integrations": true, "writeKey": true, "channel": true, "version": true, "category": true,
	"receivedAt": true, "projectId": true, "traits": true, "options": true,
}

// isPassedOver holds for members that nothing reads: those known, and those that a sender
// marks as its own.
func isPassedOver(name string) bool { return passedOver[name] || strings.HasPrefix(name, "_") }
