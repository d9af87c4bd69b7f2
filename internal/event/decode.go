package event

import (
	"bytes"
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

// DecodeCall reads one call: track, page, screen, identify, group or alias, unless it says
// itself what it is. The error, a fault, means that the body is not a JSON object at all;
// what is wrong with the event itself stands in the item.
func DecodeCall(kind string, body []byte) (Item, error) {
	if problem := wellFormed(body); problem != nil {
		return Item{}, problem
	}
	return decodeItem(bytes.TrimSpace(body), batchDefaults{kind: kind}), nil
}

// DecodeBatch reads /v1/batch: {"batch": [call, …], "sentAt": …, "context": {…}}. The
// error, a fault, means that the body as a whole cannot be read; each item tells for
// itself what is wrong with it.
func DecodeBatch(body []byte) ([]Item, error) {
	e, problem := readEnvelope(body)
	if problem != nil {
		return nil, problem
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

func readEnvelope(body []byte) (e envelope, problem *fault.Error) {
	s := &scanner{data: body}
	if problem = s.object(e.member); problem == nil && !s.ended() {
		problem = errTrailing
	}
	return e, problem
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
	case "sentAt", "sent_at": // PostHog's
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
		d.context, problem = sealObject("context", e.context, false)
	}
	return d, problem
}

// batchDefaults is what an item has where it says nothing itself.
type batchDefaults struct {
	sentAt  time.Time
	context checkedObject
	kind    string // the call's type
}
