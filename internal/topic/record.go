package topic

import (
	"context"
	"sync"
	"time"
)

// Readings is what one answer was read from. Services add to it as they read, from
// any number of goroutines; without a recorder in the context they add to nothing.
type Readings struct {
	mu    sync.Mutex
	spans map[Span]struct{}
	until time.Time
	again bool
	once  bool // it cannot be given again, whatever stays as it is
	part  bool // it is of a part of an answer

	stamps  bool // instants of the answer are to be marked
	stamped time.Time
}

type recorderKey struct{}

// Record returns a context under which Note and NoteUntil are kept.
func Record(ctx context.Context) (context.Context, *Readings) {
	r := &Readings{spans: map[Span]struct{}{}}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// Unrecorded returns a context under which nothing is kept.
func Unrecorded(ctx context.Context) context.Context {
	return context.WithValue(ctx, recorderKey{}, nil)
}

// Note says that the answer was read from this.
func Note(ctx context.Context, span Span) {
	if r, ok := ctx.Value(recorderKey{}).(*Readings); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.spans[span] = struct{}{}
	}
}

// NoteUntil says that the answer holds until this instant even if no data changes,
// such as the end of the day for "the last seven days".
func NoteUntil(ctx context.Context, at time.Time) {
	if r, ok := ctx.Value(recorderKey{}).(*Readings); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.holdUntil(at)
	}
}

// holdUntil keeps the earliest instant. The caller holds mu.
func (r *Readings) holdUntil(at time.Time) {
	if r.until.IsZero() || at.Before(r.until) {
		r.until = at
	}
}

// NoteFailed says that the answer failed for a reason that passes, such as a database
// that does not answer, and should be read again before long.
func NoteFailed(ctx context.Context) {
	if r, ok := ctx.Value(recorderKey{}).(*Readings); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.again = true
	}
}

// NoteMoving says that the answer changes as time goes by, even if no data does: not at some
// instant, as by NoteUntil, but with each.
func NoteMoving(ctx context.Context) {
	if r, ok := ctx.Value(recorderKey{}).(*Readings); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.once = true
	}
}

// Moving reports whether NoteMoving was called.
func (r *Readings) Moving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.once
}

// Retell notes in another context what was noted here, as of one answer that is part of
// another one. Without readings it notes nothing.
func (r *Readings) Retell(ctx context.Context) {
	if into, ok := ctx.Value(recorderKey{}).(*Readings); ok && r != nil {
		into.Add(r)
	}
}

// Add notes what was noted in others.
func (r *Readings) Add(others *Readings) {
	spans, until, again, once := others.Spans(), others.Until(), others.Failed(), others.Moving()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range spans {
		r.spans[s] = struct{}{}
	}
	if !until.IsZero() {
		r.holdUntil(until)
	}
	r.again, r.once = r.again || again, r.once || once
}

// Failed reports whether NoteFailed was called.
func (r *Readings) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again
}

// hold reports whether a change of t is a change of what was read.
func (r *Readings) hold(t Topic) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.spans {
		if s.Holds(t) {
			return true
		}
	}
	return false
}

// Spans lists what was read.
func (r *Readings) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := make([]Span, 0, len(r.spans))
	for s := range r.spans {
		spans = append(spans, s)
	}
	return spans
}

// Until is the earliest instant noted; zero if there is none.
func (r *Readings) Until() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.until
}
