package topic

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is what the parts of one answer were when they were last read, for as long as nothing
// has changed of what they were read from: a part that it has is what a fresh one would be. It
// may be used from any number of goroutines.
type Memory struct {
	mu    sync.Mutex
	parts map[string]part
}

type part struct {
	value    any
	readings *Readings
}

type memoryKey struct{}

// Remember returns a context under which parts of the answer are taken from a memory, and kept
// in it.
func Remember(ctx context.Context, m *Memory) context.Context {
	return context.WithValue(ctx, memoryKey{}, m)
}

// MemoryOf gives the context's memory; nil: it has none.
func MemoryOf(ctx context.Context) *Memory {
	m, _ := ctx.Value(memoryKey{}).(*Memory)
	return m
}

// RecordPart is Record for a part of an answer, within which nothing is remembered. What is read
// for several parts has to ask Shared; and what was noted has to be retold to the answer.
func RecordPart(ctx context.Context) (context.Context, *Readings) {
	ctx, r := Record(Remember(ctx, nil))
	r.part = true
	return ctx, r
}

// Shared is for what is read once for several parts of an answer: what is noted under the
// context that it returns is in the readings, and each of the parts must be told by Retell. Where
// no parts are recorded, it returns what it was given, and no readings: there is nothing to tell.
func Shared(ctx context.Context) (context.Context, *Readings) {
	if r, ok := ctx.Value(recorderKey{}).(*Readings); !ok || !r.part {
		return ctx, nil
	}
	return RecordPart(ctx)
}

// Keep remembers a part of an answer, if it can be given again: it did not fail, and does not
// change with each instant. Neither is changed afterwards.
func (m *Memory) Keep(name string, value any, readings *Readings) {
	if readings.Failed() || readings.Moving() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.parts == nil {
		m.parts = map[string]part{}
	}
	m.parts[name] = part{value, readings}
}

// Recall gives a part that is still what it was at an instant, and notes in the context what it
// was read from; nil: there is none.
func (m *Memory) Recall(ctx context.Context, name string, now time.Time) (value any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, known := m.parts[name]
	if !known {
		return nil
	}
	if until := p.readings.Until(); !until.IsZero() && !now.Before(until) {
		delete(m.parts, name)
		return nil
	}
	p.readings.Retell(ctx)
	return p.value
}

// Forget drops the parts that were read from what has changed.
func (m *Memory) Forget(changed []Topic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, p := range m.parts {
		if slices.ContainsFunc(changed, p.readings.hold) {
			delete(m.parts, name)
		}
	}
}

// ForgetAll drops all parts, as nobody knows what has changed.
func (m *Memory) ForgetAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.parts)
}
