package live

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

var (
	acme   = tenant.ID{1}
	globex = tenant.ID{2}
	may1   = topic.Topic{Tenant: acme, Subject: topic.Day, Key: "2026-05-01"}
	may2   = topic.Topic{Tenant: acme, Subject: topic.Day, Key: "2026-05-02"}
	others = topic.Topic{Tenant: globex, Subject: topic.Day, Key: "2026-05-01"}
	watch  = Key{Scope: "acme/read", Query: "subscription { live { query { events { count } } } }"}
)

// data is what a query reads: a number of a day, and how often it was read.
type data struct {
	value atomic.Int64
	reads atomic.Int64
}

func (d *data) run(ctx context.Context) []byte {
	d.reads.Add(1)
	topic.Note(ctx, topic.Exactly(acme, topic.Day, "2026-05-01"))
	return []byte(fmt.Sprintf(`{"revision":"%s","value":%d}`, RevisionMark, d.value.Load()))
}

// inBubble runs a story on an engine with fake time, and stops the engine at its end.
func inBubble(t *testing.T, options Options, story func(t *testing.T, e *Engine)) {
	synctest.Test(t, func(t *testing.T) {
		e := New(options)
		defer e.Stop()
		story(t, e)
	})
}

func subscribe(t *testing.T, e *Engine, key Key, run Run) *Subscription {
	t.Helper()
	return wish(t, e, key, Wish{}, run)
}

func wish(t *testing.T, e *Engine, key Key, wish Wish, run Run) *Subscription {
	t.Helper()
	s, err := e.Subscribe(t.Context(), key, wish, run, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantFrame lets everything settle and takes the frame, "" for none.
func wantFrame(t *testing.T, s *Subscription, part string) string {
	t.Helper()
	synctest.Wait()
	frame, _ := s.Take()
	text := ""
	if frame != nil {
		text = string(frame.Bytes())
	}
	if (frame != nil) != (part != "") || !strings.Contains(text, part) {
		t.Fatalf("took %q, want %q", text, part)
	}
	return text
}

func TestAChangeOfWhatWasReadIsAnsweredAgain(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, d.run)
		first := wantFrame(t, s, `"value":0`)
		if strings.Contains(first, RevisionMark) {
			t.Errorf("the mark is still there: %s", first)
		}
		time.Sleep(time.Second)
		d.value.Store(1)
		e.Changed([]topic.Topic{may2, others})
		wantFrame(t, s, "")
		e.Changed([]topic.Topic{may1})
		wantFrame(t, s, `"value":1`)
		if reads := d.reads.Load(); reads != 2 {
			t.Errorf("read %d times, want 2", reads)
		}
	})
}

func TestAnEqualAnswerIsNotSentAndRevisionsNameAnswers(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, d.run)
		first := wantFrame(t, s, `"value":0`)
		d.change(e, 0)
		wantFrame(t, s, "")
		d.change(e, 1)
		wantFrame(t, s, `"value":1`)
		d.change(e, 0)
		if last := wantFrame(t, s, `"value":0`); last != first {
			t.Errorf("the same answer is named %s and then %s", first, last)
		}
		d.change(e, 1)
		d.change(e, 0) // what nobody took is gone, and this one they have
		wantFrame(t, s, "")
		if reads := d.reads.Load(); reads != 6 {
			t.Errorf("read %d times, want 6", reads)
		}
	})
}

func TestChangesInARowCostOneExecutionPerInterval(t *testing.T) {
	inBubble(t, Options{MinInterval: 250 * time.Millisecond}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, d.run)
		wantFrame(t, s, `"value":0`)
		for range 100 { // a second of changes
			time.Sleep(10 * time.Millisecond)
			d.value.Add(1)
			e.Changed([]topic.Topic{may1})
		}
		time.Sleep(time.Second)
		wantFrame(t, s, `"value":100`)
		if reads := d.reads.Load(); reads > 6 {
			t.Errorf("read %d times, want at most 6", reads)
		}
	})
}

func TestAChangeDuringAnExecutionIsNotMissed(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, func(ctx context.Context) []byte {
			frame := d.run(ctx) // has read the old value
			if d.value.Load() == 0 {
				d.value.Store(1)
				e.Changed([]topic.Topic{may1}) // what was read is not yet known to the engine
			}
			return frame
		})
		wantFrame(t, s, `"value":0`)
		time.Sleep(time.Second)
		wantFrame(t, s, `"value":1`)
	})
}

func TestAGapReadsEverythingAfresh(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, d.run)
		wantFrame(t, s, `"value":0`)
		time.Sleep(time.Second)
		d.value.Store(7) // nobody said so
		e.Gap()
		wantFrame(t, s, `"value":7`)
	})
}

func TestSubscribersOfOneKeyShareAndStrangersDont(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d, strange data
		strange.value.Store(42)
		a, b := subscribe(t, e, watch, d.run), subscribe(t, e, watch, d.run)
		other := watch
		other.Scope = "globex/read"
		c := subscribe(t, e, other, strange.run)
		if wantFrame(t, a, `"value":0`) != wantFrame(t, b, `"value":0`) {
			t.Error("two subscribers of one key got different frames")
		}
		wantFrame(t, c, `"value":42`)
		late := subscribe(t, e, watch, d.run)
		wantFrame(t, late, `"value":0`)
		if reads := d.reads.Load(); reads != 1 {
			t.Errorf("three subscribers read %d times, want 1", reads)
		}
	})
}

func TestLatestWins(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, d.run)
		for range 5 { // nobody takes
			time.Sleep(time.Second)
			d.value.Add(1)
			e.Changed([]topic.Topic{may1})
		}
		time.Sleep(time.Second)
		wantFrame(t, s, `"value":5`)
		wantFrame(t, s, "")
	})
}

func TestTimeAloneCanChangeAnAnswer(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		start, midnight := time.Now(), time.Now().Add(time.Hour)
		s := subscribe(t, e, watch, func(ctx context.Context) []byte {
			if time.Now().Before(midnight) {
				topic.NoteUntil(ctx, midnight)
			}
			return []byte(fmt.Sprintf(`{"hours":%d}`, int(time.Since(start).Hours())))
		})
		wantFrame(t, s, `"hours":0`)
		time.Sleep(time.Hour - time.Second)
		wantFrame(t, s, "")
		time.Sleep(2 * time.Second)
		wantFrame(t, s, `"hours":1`)
	})
}

func TestAPassingFailureIsTriedAgain(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, watch, func(ctx context.Context) []byte {
			if d.reads.Add(1) < 4 {
				topic.NoteFailed(ctx)
				return []byte(`{"errors":[]}`)
			}
			return []byte(`{"data":{}}`)
		})
		wantFrame(t, s, `"errors"`)
		time.Sleep(10 * time.Second)
		wantFrame(t, s, `"data"`)
		time.Sleep(time.Hour)
		synctest.Wait()
		if reads := d.reads.Load(); reads != 4 {
			t.Errorf("tried %d times, want 4", reads)
		}
	})
}

func TestTheLastToLeaveEndsTheQuery(t *testing.T) {
	inBubble(t, Options{MaxQueries: 1}, func(t *testing.T, e *Engine) {
		var d data
		a, b := subscribe(t, e, watch, d.run), subscribe(t, e, watch, d.run)
		second := watch
		second.Variables = `{"first":2}`
		if _, err := e.Subscribe(t.Context(), second, Wish{}, d.run, func() {}); err == nil {
			t.Error("a second query was let in beyond the bound")
		}
		a.Close()
		a.Close()
		if got := e.Stats(); got.Queries != 1 || got.Subscriptions != 1 {
			t.Errorf("%+v, want one query with one subscription", got)
		}
		b.Close()
		if got := e.Stats(); got.Queries != 0 || got.Subscriptions != 0 || len(e.readers) != 0 {
			t.Errorf("%+v and %d readers are left", got, len(e.readers))
		}
		subscribe(t, e, second, d.run).Close()
	})
}

func TestStopEndsSubscriptionsWithAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{})
		var d data
		s := subscribe(t, e, watch, d.run)
		wantFrame(t, s, `"value":0`)
		e.Stop()
		if _, ended := s.Take(); !ended || s.Err() == nil {
			t.Error("the subscription ended without a reason")
		}
		if _, err := e.Subscribe(t.Context(), watch, Wish{}, d.run, func() {}); err == nil {
			t.Error("a stopped engine lets subscribers in")
		}
	})
}
