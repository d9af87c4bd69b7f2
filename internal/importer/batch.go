package importer

import (
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// entry is a row on its way.
type entry struct {
	line    int64
	raw     []byte
	cut     bool
	id      string
	event   []byte // nil if it is refused here
	verdict event.Verdict
}

// batch is rows that follow each other, sent together.
type batch struct {
	number  int
	entries []entry
	size    int   // of the body
	held    int   // bytes of all that is kept
	end     point // up to which rows are settled once the batch is
}

// point is a place in an input, with what is needed to go on from it.
type point struct {
	place
	Unnamed int64 `json:"unnamed"` // rows before it that had no id
	raw     int64 // read of the file by then, compressed if it is
}

const (
	envelope = len(`{"batch":[]}`)
	maxHeld  = 2 << 20
)

func newBatch(number int) *batch { return &batch{number: number, size: envelope} }

// fits reports whether one more entry can be sent with the others.
func (b *batch) fits(e entry) bool {
	if len(b.entries) == 0 {
		return true
	}
	return len(b.entries) < event.MaxBatchEvents && b.size+len(e.event)+1 <= event.MaxBatchBytes && b.held < maxHeld
}

func (b *batch) add(e entry) {
	b.entries = append(b.entries, e)
	b.held += len(e.raw) + len(e.event)
	if e.event != nil {
		b.size += len(e.event) + 1
	}
}

// toSend gives the entries that are not refused already.
func (b *batch) toSend() []*entry {
	var sendable []*entry
	for i := range b.entries {
		if b.entries[i].event != nil {
			sendable = append(sendable, &b.entries[i])
		}
	}
	return sendable
}

// body is what is sent.
func body(entries []*entry) []byte {
	text := []byte(`{"batch":[`)
	for i, e := range entries {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, e.event...)
	}
	return append(text, ']', '}')
}

func refused(id string, problem *fault.Error) event.Verdict {
	return event.Verdict{MessageID: id, Status: event.Rejected, Field: problem.Field, Reason: problem.Message}
}
