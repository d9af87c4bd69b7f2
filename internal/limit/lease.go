package limit

import (
	"context"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// leases take from shared buckets in advance, so that a busy caller does not cost a round trip
// for each request: as much as a server has lately spent of a budget in leaseFor, and a tenth
// of its burst at most. Whoever asks seldom takes what they spend. So all servers together
// never spend more than was taken; they may do it up to leaseKept later, and what is not spent
// by then is lost.
type leases struct {
	from  buckets
	now   func() time.Time
	known *otter.Cache[string, *lease]
}

const (
	leaseFor   = 250 * time.Millisecond
	leaseKept  = time.Second
	leaseShare = 10
)

func newLeases(from buckets, now func() time.Time) leases {
	return leases{from, now, otter.Must(&otter.Options[string, *lease]{
		MaximumSize: maxLocal, ExpiryCalculator: otter.ExpiryAccessing[string, *lease](time.Minute),
	})}
}

// lease is what one server holds of one bucket.
type lease struct {
	mu      sync.Mutex
	credit  int       // taken, and not spent
	since   time.Time // when it was taken
	spent   int       // since then
	fullAt  time.Time // when the shared bucket will be full, as far as this server knows
	pending *flight   // somebody asks for more
}

// flight is one asking for more. Those who wait for it share its failure.
type flight struct {
	done chan struct{}
	err  error
}

// take implements [buckets].
func (l leases) take(ctx context.Context, b Budget, cost int) (level, error) {
	held, _ := l.known.ComputeIfAbsent(b.key, func() (*lease, bool) { return &lease{}, false })
	for {
		at, ok, wait, ask := held.spend(b, cost, l.now())
		switch {
		case ok:
			return at, nil
		case ask != nil:
			return l.ask(ctx, b, cost, held, ask)
		}
		select {
		case <-wait.done:
			if wait.err != nil {
				return level{}, wait.err
			}
		case <-ctx.Done():
			return level{}, ctx.Err()
		}
	}
}

// spend takes a cost out of what is held. If that is not enough it names the flight to wait for,
// or the one that is the caller's to make.
func (h *lease) spend(b Budget, cost int, now time.Time) (at level, ok bool, wait, ask *flight) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.since) > leaseKept {
		h.credit = 0
	}
	switch {
	case h.credit >= cost:
		h.credit -= cost
		h.spent += cost
		return h.level(b, cost, now), true, nil, nil
	case h.pending != nil:
		return level{}, false, h.pending, nil
	}
	h.pending = &flight{done: make(chan struct{})}
	return level{}, false, nil, h.pending
}

// level is where the budget stands after a cost: with what is held here, and what has flowed in.
func (h *lease) level(b Budget, cost int, now time.Time) level {
	each := time.Minute / time.Duration(b.PerMinute)
	filling := max(0, h.fullAt.Sub(now))
	spare := time.Duration(b.Burst)*each - filling
	return level{
		taken: true, remaining: max(0, min(b.Burst-cost, int(spare/each)+h.credit)),
		reset: max(time.Duration(cost)*each, filling-time.Duration(h.credit)*each),
	}
}

// ask takes what is missing from the shared bucket, with some in advance if there is as much.
// It goes on where its caller leaves, since others wait for it.
func (l leases) ask(ctx context.Context, b Budget, cost int, held *lease, f *flight) (at level, err error) {
	ctx = context.WithoutCancel(ctx)
	missing, ahead := held.wish(b, cost, l.now())
	at, err = l.from.take(ctx, b, missing+ahead)
	if err == nil && !at.taken && ahead > 0 {
		ahead = 0
		at, err = l.from.take(ctx, b, missing)
	}
	held.mu.Lock()
	defer held.mu.Unlock()
	held.pending = nil
	if f.err = err; err == nil && at.taken {
		at = held.fill(b, cost, missing+ahead, l.now(), at.reset)
	}
	close(f.done)
	return at, err
}

// wish is what a cost needs beyond what is held, and how much to take in advance: what is
// spent in leaseFor at the latest rate, which may double each time.
func (h *lease) wish(b Budget, cost int, now time.Time) (missing, ahead int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	missing = cost - h.credit
	passed := max(now.Sub(h.since), time.Microsecond)
	if passed > leaseKept {
		return missing, 0
	}
	lately := int(float64(h.spent) * float64(leaseFor) / float64(passed))
	fair := int(int64(b.PerMinute) * int64(leaseFor) / int64(time.Minute))
	return missing, max(0, min(lately, 2*h.spent, fair, b.Burst/leaseShare, b.Burst-missing))
}

// fill puts in what was taken, and spends the cost.
func (h *lease) fill(b Budget, cost, taken int, now time.Time, reset time.Duration) level {
	h.credit += taken - cost
	h.since, h.spent, h.fullAt = now, cost, now.Add(reset)
	return h.level(b, cost, now)
}
