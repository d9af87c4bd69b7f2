package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted are buckets that count what is asked of them.
type counted struct {
	buckets
	asked, given atomic.Int64
}

func (c *counted) take(ctx context.Context, b Budget, cost int) (level, error) {
	c.asked.Add(1)
	at, err := c.buckets.take(ctx, b, cost)
	if at.taken {
		c.given.Add(int64(cost))
	}
	return at, err
}

var busy = Budget{Policy: "p", key: "busy", PerMinute: 60_000, Burst: 30_000} // 1,000 a second

// Two busy servers spend what the budget has and not a unit more, and hardly ever ask.
func TestServersShareABudgetByLeases(t *testing.T) {
	var clock atomic.Int64
	now := func() time.Time { return workday.Add(time.Duration(clock.Load())) }
	far := &counted{buckets: newLocal(now)}
	servers := []leases{newLeases(far, now), newLeases(far, now)}
	var spent, refused int64
	const length, step = 60 * time.Second, 200 * time.Microsecond // 10,000 a second: ten times the rate
	for clock.Load() < int64(length) {
		for _, s := range servers {
			at, err := s.take(t.Context(), busy, 1)
			if err != nil {
				t.Fatal(err)
			}
			if at.taken {
				spent++
			} else {
				refused++
			}
		}
		clock.Add(int64(step))
	}
	most := int64(busy.Burst) + int64(length/time.Minute)*int64(busy.PerMinute)
	if spent > far.given.Load() || far.given.Load() > most || spent < most*98/100 || refused == 0 {
		t.Errorf("spent %d of %d taken, want %d; %d were refused", spent, far.given.Load(), most, refused)
	}
	if asked := far.asked.Load() - 2*refused; asked > 6_000 {
		t.Errorf("asked %d times for %d spendings, besides the refusals", asked, spent)
	}
}

// A burst that is within the budget costs a few questions.
func TestABusyCallerIsNotAskedAboutEachTime(t *testing.T) {
	now := workday
	far := &counted{buckets: newLocal(func() time.Time { return now })}
	l := newLeases(far, func() time.Time { return now })
	for i := range 1_000 {
		at, err := l.take(t.Context(), busy, 2)
		if err != nil || !at.taken {
			t.Fatalf("%+v %v", at, err)
		}
		if want := busy.Burst - 2*(i+1); at.remaining < want || at.remaining > want+1+i/20 {
			t.Fatalf("%d remain after %d, want %d", at.remaining, i+1, want)
		}
		now = now.Add(50 * time.Microsecond)
	}
	if far.asked.Load() > 30 || far.given.Load()-2_000 > 250 {
		t.Errorf("asked %d times, for %d", far.asked.Load(), far.given.Load())
	}
}

// Who asks seldom is charged what they spend.
func TestARareCallerTakesNothingInAdvance(t *testing.T) {
	now := workday
	far := &counted{buckets: newLocal(func() time.Time { return now })}
	l := newLeases(far, func() time.Time { return now })
	for range 100 {
		if at, err := l.take(t.Context(), busy, 3); err != nil || !at.taken {
			t.Fatalf("%+v %v", at, err)
		}
		now = now.Add(2 * time.Second)
	}
	if far.given.Load() != 300 {
		t.Errorf("took %d, want 300", far.given.Load())
	}
}

// What was taken in advance and not spent is not spent a minute later either.
func TestALeaseEnds(t *testing.T) {
	now := workday
	far := &counted{buckets: newLocal(func() time.Time { return now })}
	l := newLeases(far, func() time.Time { return now })
	for range 100 {
		_, _ = l.take(t.Context(), busy, 1)
		now = now.Add(time.Millisecond)
	}
	if far.given.Load() <= 100 {
		t.Fatalf("took %d in advance of 100", far.given.Load())
	}
	asked := far.asked.Load()
	now = now.Add(leaseKept + time.Second)
	if _, _ = l.take(t.Context(), busy, 1); far.asked.Load() != asked+1 {
		t.Error("a lease outlived its time")
	}
}

// slow are buckets that answer when they are told to.
type slow struct {
	answer chan error
	asked  atomic.Int64
}

func (s *slow) take(_ context.Context, b Budget, cost int) (level, error) {
	s.asked.Add(1)
	err := <-s.answer
	return level{taken: err == nil, remaining: b.Burst - cost}, err
}

// While one asks the others wait for what comes of it, its failure included; one who leaves
// fails nobody else.
func TestConcurrentCallersAskOnce(t *testing.T) {
	far := &slow{answer: make(chan error)}
	l := newLeases(far, time.Now)
	var all sync.WaitGroup
	var failed atomic.Int64
	down := errors.New("i/o timeout")
	ctx, leave := context.WithCancel(t.Context())
	leave()
	all.Go(func() { _, _ = l.take(ctx, busy, 1) })
	for far.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 9 {
		all.Go(func() {
			if _, err := l.take(t.Context(), busy, 1); errors.Is(err, down) {
				failed.Add(1)
			}
		})
	}
	far.answer <- down
	close(far.answer)
	all.Wait()
	if n := far.asked.Load() + failed.Load(); n > 10 {
		t.Errorf("asked %d times, and %d failed with the first", far.asked.Load(), failed.Load())
	}
}
