package answer

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Whoever asks gets a look that began after they did, and all who wait share one.
func TestALookBeginsAfterWhoeverAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var looks atomic.Int64
		c := &checks{look: func(context.Context) (state, error) {
			looks.Add(1)
			began := time.Now()
			time.Sleep(10 * time.Millisecond)
			return state{at: began}, nil
		}}
		var asking sync.WaitGroup
		for i := range 100 {
			asking.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				asked := time.Now()
				s, err := c.now(t.Context())
				if err != nil || s.at.Before(asked) {
					t.Errorf("asked at %v, and looked at %v: %v", asked.Sub(start), s.at.Sub(start), err)
				}
				if waited := time.Since(asked); waited > 20*time.Millisecond {
					t.Errorf("waited %v, for more than two looks", waited)
				}
			})
		}
		asking.Wait()
		if n := looks.Load(); n > 12 {
			t.Errorf("looked %d times in 110 ms, of 10 ms each", n)
		}
		if c.running != nil || c.next != nil {
			t.Error("somebody is still looking")
		}
	})
}

// Looks that take no time are shared all the same by those who come at the same time; who comes
// alone is not kept waiting.
func TestLooksAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		c := &checks{look: func(context.Context) (state, error) {
			looks.Add(1)
			time.Sleep(100 * time.Microsecond)
			return state{}, nil
		}}
		ask := func(most time.Duration) {
			asked := time.Now()
			if _, err := c.now(t.Context()); err != nil || time.Since(asked) > most {
				t.Errorf("waited %v: %v", time.Since(asked), err)
			}
		}
		for range 10 {
			ask(100 * time.Microsecond) // alone
		}
		alone := looks.Swap(0)
		var asking sync.WaitGroup
		for range 32 {
			asking.Go(func() {
				for range 20 {
					ask(2*pause + 100*time.Microsecond)
				}
			})
		}
		asking.Wait()
		if n := looks.Load(); alone != 10 || n > 2*20+2 {
			t.Errorf("looked %d times for 10 alone, and %d times for 640 of 32 at a time", alone, n)
		}
	})
}

// A look that fails fails those who wait for it, and no others; one that panics is no look.
func TestALookThatFails(t *testing.T) {
	down := errors.New("down")
	fail, crash := true, false
	c := &checks{look: func(context.Context) (state, error) {
		if crash {
			panic("at the disco")
		}
		if fail {
			return state{}, down
		}
		return state{revisions: map[topic.Subject]int64{settings: 7}}, nil
	}}
	if _, err := c.now(t.Context()); !errors.Is(err, down) {
		t.Error(err)
	}
	fail, crash = false, true
	func() {
		defer func() { _ = recover() }()
		_, _ = c.now(t.Context())
	}()
	crash = false
	if s, err := c.now(t.Context()); err != nil || s.revisions[settings] != 7 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestOnlyWhatWasReadCounts(t *testing.T) {
	then := state{revisions: map[topic.Subject]int64{settings: 1, topic.Day: 3}}
	for _, c := range []struct {
		now  state
		want bool
	}{
		{state{revisions: map[topic.Subject]int64{settings: 1, topic.Day: 3}}, true},
		{state{revisions: map[topic.Subject]int64{settings: 1, topic.Day: 3, "other": 9}}, true},
		{state{revisions: map[topic.Subject]int64{settings: 1, topic.Day: 4}}, false},
		{state{revisions: map[topic.Subject]int64{settings: 1}}, false},
		{state{revisions: map[topic.Subject]int64{settings: 2, topic.Day: 3}}, false},
		{state{revisions: map[topic.Subject]int64{settings: 1, archived: 1, topic.Day: 3}}, false},
	} {
		if got := c.now.same(then, []topic.Subject{topic.Day, topic.Tenant}); got != c.want {
			t.Errorf("%+v: %v", c.now, got)
		}
	}
}

// The instant is found where it was marked, and an answer that has it elsewhere is not kept.
func TestSplit(t *testing.T) {
	at := time.Date(2026, 5, 1, 9, 30, 0, 123_000_000, time.UTC)
	const text = `"2026-05-01T09:30:00.123Z"`
	for _, c := range []struct {
		data, want string
		clean      bool
	}{
		{`{"a":1}`, `{"a":1}`, true},
		{`{"a":` + scalar.StampMark + text + `,"b":` + scalar.StampMark + text + `}`, `{"a":NOW,"b":NOW}`, true},
		{`{"a":` + scalar.StampMark + text + `,"b":` + text + `}`, `{"a":NOW,"b":` + text + `}`, false},
		{`{"b":` + text + `,"a":` + scalar.StampMark + text + `}`, `{"b":` + text + `,"a":NOW}`, false},
		{`{"a":` + scalar.StampMark + `"2026-05-02T00:00:00Z"}`, `{"a":"2026-05-02T00:00:00Z"}`, false},
	} {
		parts, clean := split([]byte(c.data), at)
		if got := string(bytes.Join(parts, []byte("NOW"))); got != c.want || clean != c.clean {
			t.Errorf("%s: %s %v, want %s %v", c.data, got, clean, c.want, c.clean)
		}
	}
}
