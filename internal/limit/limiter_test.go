package limit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

var (
	small = Rates{Read: 120, Write: 60, BurstSeconds: 60, OffPeak: 100, CallerPercent: 50}
	acme1 = Caller{Tenant: "acme", ID: "k1", Tier: ReadKey}
)

func wantSpent(t *testing.T, l *Limiter, c Caller, kind Kind, cost int) Spending {
	t.Helper()
	spent, err := l.Spend(t.Context(), c, small, kind, cost)
	if err != nil {
		t.Fatalf("%s spends %d: %v", c.ID, cost, err)
	}
	return spent
}

func wantRefused(t *testing.T, l *Limiter, c Caller, kind Kind, cost int, policy string) {
	t.Helper()
	spent, err := l.Spend(t.Context(), c, small, kind, cost)
	f, _ := fault.Of(err)
	if f.Code != fault.RateLimited || f.RetryAfter() < 1 || len(spent) == 0 || spent[len(spent)-1].Policy != policy {
		t.Errorf("%s spends %d: %v %+v, want it refused by %s", c.ID, cost, err, spent, policy)
	}
}

// A tenant's callers have a share each and one budget together; others have theirs.
func TestSpending(t *testing.T) {
	for name, l := range map[string]*Limiter{
		"in Redis":       NewLimiter(redisOf(t), uuid.NewString(), slog.New(slog.DiscardHandler)),
		"in the process": NewLimiter(lost(t), uuid.NewString(), slog.New(slog.DiscardHandler)),
	} {
		t.Run(name, func(t *testing.T) {
			second, third := acme1, acme1
			second.ID, third.ID = "k2", "k3"
			stranger := acme1
			stranger.Tenant = "globex"
			if at, _ := wantSpent(t, l, acme1, Read, 60).Tightest(); at.Policy != "caller-read" || at.Remaining > 1 || Seconds(at.Reset) < 55 {
				t.Errorf("the tightest is %+v", at)
			}
			wantRefused(t, l, acme1, Read, 20, "caller-read")
			wantSpent(t, l, acme1, Write, 20)
			wantSpent(t, l, second, Read, 40)
			wantSpent(t, l, third, Read, 15)
			wantRefused(t, l, third, Read, 40, "tenant-read")
			wantSpent(t, l, stranger, Read, 60)
			_, err := l.Spend(t.Context(), stranger, small, Read, 61)
			if f, _ := fault.Of(err); f.Code != fault.BadUserInput || !strings.Contains(f.Message, "61") {
				t.Errorf("more than there ever is: %v", err)
			}
		})
	}
}

func lost(t *testing.T) *redis.Client {
	client := Connect(redis.Options{Addr: nowhere(t)})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// flaky is a Redis that can be taken away.
type flaky struct {
	buckets
	down  bool
	asked int
}

func (f *flaky) take(ctx context.Context, b Budget, cost int) (level, error) {
	f.asked++
	if f.down {
		return level{}, errors.New("i/o timeout")
	}
	return f.buckets.take(ctx, b, cost)
}

// Without Redis the same rules hold in each server; it is asked once a second whether it is
// back, and the log has a line for the outage and one for its end.
func TestAnOutageIsBridged(t *testing.T) {
	now := workday
	clock := func() time.Time { return now }
	var log bytes.Buffer
	far := &flaky{buckets: newLocal(clock)}
	l := &Limiter{shared: far, own: newLocal(clock), now: clock, breaker: &breaker{logger: slog.New(slog.NewTextHandler(&log, nil)), now: clock}}
	wantSpent(t, l, acme1, Read, 50)
	far.down = true
	wantSpent(t, l, acme1, Read, 50) // of this server's own bucket, which is full
	wantRefused(t, l, acme1, Read, 50, "caller-read")
	if far.asked != 2+1 {
		t.Errorf("Redis was asked %d times, want twice while up and once while down", far.asked)
	}
	now = now.Add(pause)
	wantRefused(t, l, acme1, Read, 50, "caller-read")
	if far.asked != 4 {
		t.Errorf("Redis was asked %d times, want once more", far.asked)
	}
	far.down = false
	now = now.Add(pause)
	wantRefused(t, l, acme1, Read, 50, "caller-read") // of the bucket in Redis, in which 12 are left
	wantSpent(t, l, acme1, Read, 10)
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 {
		t.Errorf("the log has\n%s", text)
	}
}

// Somebody who goes away in the middle is no outage.
func TestACallerWhoLeavesIsNoOutage(t *testing.T) {
	var log bytes.Buffer
	l := NewLimiter(redisOf(t), uuid.NewString(), slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Spend(ctx, acme1, small, Read, 1); err != nil || log.Len() > 0 || l.breaker.down {
		t.Errorf("%v, log: %s", err, log.String())
	}
}

func TestWhatIsNotLimitedIsNotAsked(t *testing.T) {
	l := NewLimiter(lost(t), "x", slog.New(slog.DiscardHandler))
	spent, err := l.Spend(t.Context(), acme1, Rates{}, Read, 1<<30)
	if _, limited := spent.Tightest(); err != nil || limited {
		t.Errorf("%+v, %v", spent, err)
	}
}

func TestHeaders(t *testing.T) {
	h := http.Header{}
	Spending{
		{Budget{Policy: "caller-read", PerMinute: 30_000}, 14_999, 2500 * time.Millisecond},
		{Budget{Policy: "tenant-read", PerMinute: 60_000}, 0, time.Minute},
	}.WriteHeader(h)
	policies, left := `"caller-read";q=30000;w=60, "tenant-read";q=60000;w=60`, `"caller-read";r=14999;t=3, "tenant-read";r=0;t=60`
	if gotPolicies, gotLeft := h.Get("RateLimit-Policy"), h.Get("RateLimit"); gotPolicies != policies || gotLeft != left {
		t.Errorf("got %s and %s", gotPolicies, gotLeft)
	}
	h = http.Header{}
	if (Spending{}).WriteHeader(h); len(h) > 0 {
		t.Errorf("without a limit: %v", h)
	}
}
