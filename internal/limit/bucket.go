package limit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// level is where a bucket stands after something was asked of it.
type level struct {
	taken     bool
	remaining int
	retry     time.Duration // until as much is there as was asked for
	reset     time.Duration // until it is full
}

// buckets hold what is left of budgets. Both kinds follow the generic cell rate algorithm
// (ITU-T I.371): a bucket is one instant, at which it will be full.
type buckets interface {
	take(ctx context.Context, b Budget, cost int) (level, error)
}

// shared are the buckets of all servers.
type shared struct {
	limiter *redis_rate.Limiter
	prefix  string
}

func newShared(client *redis.Client, name string) shared {
	return shared{redis_rate.NewLimiter(client), name + ":"}
}

func (s shared) take(ctx context.Context, b Budget, cost int) (level, error) {
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	result, err := s.limiter.AllowN(ctx, s.prefix+b.key, redis_rate.Limit{Rate: b.PerMinute, Burst: b.Burst, Period: time.Minute}, cost)
	if err != nil {
		return level{}, fmt.Errorf("take from bucket: %w", err)
	}
	return level{taken: result.Allowed > 0, remaining: result.Remaining, retry: max(0, result.RetryAfter), reset: result.ResetAfter}, nil
}

// maxLocal bounds the buckets of one server. Those that are full are as good as none.
const maxLocal = 100_000

// local are the buckets of one server alone.
type local struct {
	now func() time.Time

	mu     sync.Mutex
	fullAt map[string]time.Time
}

func newLocal(now func() time.Time) *local { return &local{now: now, fullAt: map[string]time.Time{}} }

func (l *local) take(_ context.Context, b Budget, cost int) (level, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, each := l.now(), time.Minute/time.Duration(b.PerMinute)
	full := l.fullAt[b.key]
	if full.Before(now) {
		full = now
	}
	next := full.Add(time.Duration(cost) * each)
	spare := time.Duration(b.Burst)*each - next.Sub(now)
	if spare < 0 {
		return level{retry: -spare, reset: full.Sub(now)}, nil
	}
	l.makeRoom(now)
	l.fullAt[b.key] = next
	return level{taken: true, remaining: int(spare / each), reset: next.Sub(now)}, nil
}

// makeRoom forgets the buckets that are full, and some others where that is not enough.
func (l *local) makeRoom(now time.Time) {
	if len(l.fullAt) < maxLocal {
		return
	}
	for key, full := range l.fullAt {
		if !full.After(now) {
			delete(l.fullAt, key)
		}
	}
	for key := range l.fullAt {
		if len(l.fullAt) < maxLocal*9/10 {
			return
		}
		delete(l.fullAt, key)
	}
}
