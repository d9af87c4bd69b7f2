package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/topic"
)

// ledger is what a query of several parts reads: a number for each day.
type ledger struct {
	mu     sync.Mutex
	values map[int]int
	reads  map[int]int
	during func() // called in the middle of an execution, once
}

func dayOf(i int) topic.Topic {
	return topic.Topic{Tenant: acme, Subject: topic.Day, Key: fmt.Sprintf("2026-05-%02d", i+1)}
}

const parts = 4

func (l *ledger) run(ctx context.Context) []byte {
	text := ""
	for i := range parts {
		if during := l.during; i == parts/2 && during != nil {
			l.during = nil
			during()
		}
		text += fmt.Sprintf(`,"%d":%d`, i, l.part(ctx, i))
	}
	return []byte(`{` + text[1:] + `}`)
}

// part is remembered, or read.
func (l *ledger) part(ctx context.Context, i int) int {
	memory, name := topic.MemoryOf(ctx), fmt.Sprint(i)
	if value, ok := memory.Recall(ctx, name, time.Now()).(int); ok {
		return value
	}
	recording, readings := topic.RecordPart(ctx)
	topic.Note(recording, topic.Exactly(acme, topic.Day, dayOf(i).Key))
	if i == 0 {
		topic.Note(recording, topic.All(acme, topic.Person))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads[i]++
	readings.Retell(ctx)
	memory.Keep(name, l.values[i], readings)
	return l.values[i]
}

func (l *ledger) add(i, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values[i] += n
}

// whileReading changes a part, and says so, in the middle of an execution that the next part is
// the cause of.
func (l *ledger) whileReading(e *Engine, i int, say func()) {
	synctest.Wait()
	l.during = func() {
		l.add(i, 1)
		say()
	}
	next := (i + 1) % parts
	l.add(next, 1)
	e.Changed([]topic.Topic{dayOf(next)})
	time.Sleep(time.Second) // so that it is read
}

func (l *ledger) text() string {
	return fmt.Sprintf(`{"0":%d,"1":%d,"2":%d,"3":%d}`, l.values[0], l.values[1], l.values[2], l.values[3])
}

func TestOnlyWhatHasChangedIsReadAgain(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		l := &ledger{values: map[int]int{}, reads: map[int]int{}}
		s := subscribe(t, e, watch, l.run)
		wantFrame(t, s, `{"0":0,"1":0,"2":0,"3":0}`)
		time.Sleep(time.Second)
		l.add(2, 7)
		e.Changed([]topic.Topic{dayOf(2)})
		wantFrame(t, s, `{"0":0,"1":0,"2":7,"3":0}`)
		if got, want := fmt.Sprint(l.reads), "map[0:1 1:1 2:2 3:1]"; got != want {
			t.Errorf("reads are %s, want %s", got, want)
		}
	})
}

// disturb changes a part, and says so or not.
var disturb = map[string]func(e *Engine, l *ledger, i int){
	"told": func(e *Engine, l *ledger, i int) {
		l.add(i, 1)
		e.Changed([]topic.Topic{dayOf(i)})
	},
	"told after more than is kept": func(e *Engine, l *ledger, i int) {
		l.add(i, 1)
		for n := range maxCollected {
			e.Changed([]topic.Topic{{Tenant: acme, Subject: topic.Person, Key: fmt.Sprint(n)}})
		}
		e.Changed([]topic.Topic{dayOf(i)})
	},
	"lost in a gap": func(e *Engine, l *ledger, i int) {
		l.add(i, 1)
		e.Gap()
	},
	"told while others are read": func(e *Engine, l *ledger, i int) {
		l.whileReading(e, i, func() { e.Changed([]topic.Topic{dayOf(i)}) })
	},
	"lost while others are read": func(e *Engine, l *ledger, i int) { l.whileReading(e, i, e.Gap) },
	"left alone":                 func(_ *Engine, _ *ledger, i int) { time.Sleep(time.Duration(i*100) * time.Millisecond) },
}

// Whatever changes and however it is told, in an execution or between two: what is shown in the
// end is what there is.
func TestAMemoryNeverShowsWhatHasChanged(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(disturb))
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 20).Draw(r, "steps")
		of := rapid.SliceOfN(rapid.IntRange(0, parts-1), len(steps), len(steps)).Draw(r, "parts")
		first := rapid.IntRange(-1, parts-1).Draw(r, "first")
		inBubble(t, Options{}, func(t *testing.T, e *Engine) {
			l := &ledger{values: map[int]int{}, reads: map[int]int{}}
			if first >= 0 { // in the first execution, when nobody knows yet what it reads
				l.during = func() { disturb["told"](e, l, first) }
			}
			s := subscribe(t, e, watch, l.run)
			for n, kind := range steps {
				disturb[kind](e, l, of[n])
			}
			time.Sleep(10 * time.Second)
			wantFrame(t, s, l.text())
		})
	})
}
