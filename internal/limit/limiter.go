package limit

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Limiter charges what is spent to budgets. All servers share them in Redis, from where a busy
// one takes a moment's worth in advance; while it does
// not answer, each server has the same budgets for itself. So an outage may let through as
// many times the limit as there are servers, and stops nobody.
type Limiter struct {
	shared, own buckets
	breaker     *breaker
	now         func() time.Time
}

// NewLimiter makes a limiter over a client of Connect. Installations that share a Redis are
// told apart by name.
func NewLimiter(client *redis.Client, name string, logger *slog.Logger) *Limiter {
	return &Limiter{
		shared: newLeases(newShared(client, name), time.Now), own: newLocal(time.Now),
		breaker: &breaker{logger: logger, now: time.Now}, now: time.Now,
	}
}

// Standing is where a budget stands.
type Standing struct {
	Budget
	Remaining int
	Reset     time.Duration // until it is full again
}

// Spending is what became of a charge: where the budgets stand that were asked.
type Spending []Standing

// Tightest is the budget that has least left; ok is false where nothing is limited.
func (s Spending) Tightest() (tightest Standing, ok bool) {
	for i, standing := range s {
		if i == 0 || standing.Remaining < tightest.Remaining {
			tightest = standing
		}
	}
	return tightest, len(s) > 0
}

// Spend charges a cost, or refuses it: with RATE_LIMITED, which says when there will be
// enough, and with BAD_USER_INPUT if there never will be. A charge that is refused by the
// tenant's budget stays with the caller, who had better wait.
func (l *Limiter) Spend(ctx context.Context, c Caller, r Rates, kind Kind, cost int) (Spending, error) {
	var spent Spending
	for _, b := range budgetsOf(c, r, kind, l.now()) {
		if cost > b.Burst {
			return spent, fault.Newf(fault.BadUserInput, "This costs %d, and at most %d may be spent at once here. Ask for less.", cost, b.Burst)
		}
		at := l.take(ctx, b, cost)
		spent = append(spent, Standing{b, at.remaining, at.reset})
		if !at.taken {
			return spent, fault.New(fault.RateLimited, "Too much was asked for in too short a time. Try again later.").After(at.retry)
		}
	}
	return spent, nil
}

// MaxEventRate is the highest bound of events a second that can be set.
const MaxEventRate = MaxRate / 60

// How many seconds' worth of events may come at once, and how many may always.
const (
	eventBurstSeconds = 10
	leastEventBurst   = 2_500
)

// SpendEvents counts events of a tenant that come in, or refuses them with RATE_LIMITED; 0 a
// second is without a limit. A batch that is larger than what may come at once takes all of
// that, so that it is let in once.
func (l *Limiter) SpendEvents(ctx context.Context, tenant string, perSecond, events int) error {
	if perSecond <= 0 {
		return nil
	}
	b := Budget{Policy: "events", key: "events:" + tenant, PerMinute: 60 * perSecond, Burst: max(leastEventBurst, eventBurstSeconds*perSecond)}
	if at := l.take(ctx, b, min(events, b.Burst)); !at.taken {
		return fault.New(fault.RateLimited, "Too many events were sent in too short a time. Send them again later.").After(at.retry)
	}
	return nil
}

// take asks Redis, or else this server's own buckets.
func (l *Limiter) take(ctx context.Context, b Budget, cost int) level {
	if l.breaker.mayAsk() {
		at, err := l.shared.take(ctx, b, cost)
		if err == nil {
			l.breaker.answered(ctx)
			return at
		}
		if ctx.Err() == nil { // else it is the caller who has gone
			l.breaker.failed(ctx, err)
		}
	}
	at, _ := l.own.take(ctx, b, cost) // which cannot fail
	return at
}
