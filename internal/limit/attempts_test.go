package limit

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

var home = netip.MustParseAddr("192.0.2.1")

func newAttempts(t *testing.T) *Attempts { return NewAttempts(redisOf(t), uuid.NewString()) }

// wantTaken makes attempts that must be let through.
func wantTaken(t *testing.T, a *Attempts, account string, address netip.Addr, times int) {
	t.Helper()
	for i := range times {
		if err := a.Take(t.Context(), account, address); err != nil {
			t.Fatalf("attempt %d of %s: %v", i+1, account, err)
		}
	}
}

// wantLocked makes one that must not, and gives after how many seconds it may be made.
func wantLocked(t *testing.T, a *Attempts, account string, address netip.Addr) int {
	t.Helper()
	f, _ := fault.Of(a.Take(t.Context(), account, address))
	if f.Code != fault.RateLimited {
		t.Fatalf("an attempt of %s: %v, want it refused", account, f)
	}
	return f.RetryAfter()
}

func TestAnAccountIsLockedLongerEveryTime(t *testing.T) {
	a := newAttempts(t)
	for _, want := range []int{60, 120, 240, 480, 960, 1920, 3600, 3600} {
		wantTaken(t, a, "ada@example.com", home, 5)
		if got := wantLocked(t, a, "ada@example.com", home); got != want {
			t.Errorf("locked for %d s, want %d", got, want)
		}
		if got := wantLocked(t, a, " ADA@example.com", home); got < want-5 || got > want {
			t.Errorf("written otherwise: locked for %d s, want what is left of %d", got, want)
		}
		a.shift += time.Duration(want)*time.Second + 10*time.Second
	}
	wantTaken(t, a, "grace@example.com", home, 1)
}

func TestTheWindowSlides(t *testing.T) {
	a := newAttempts(t)
	wantTaken(t, a, "ada", home, 3)
	a.shift += 10 * time.Minute
	wantTaken(t, a, "ada", home, 2)
	a.shift += 6 * time.Minute // the first three are forgotten
	wantTaken(t, a, "ada", home, 3)
	wantLocked(t, a, "ada", home)
}

func TestSuccessFreesTheAccountAndNotTheAddress(t *testing.T) {
	a := newAttempts(t)
	for range 10 {
		wantTaken(t, a, "own", home, 5)
		if err := a.Succeeded(t.Context(), "OWN"); err != nil {
			t.Fatal(err)
		}
	}
	wantLocked(t, a, "own", home)
	wantLocked(t, a, "somebody else", home)
	wantTaken(t, a, "somebody else", netip.MustParseAddr("192.0.2.2"), 1)
}

// An address that is locked cannot lock the accounts of others.
func TestALockedAddressLocksNobody(t *testing.T) {
	a := newAttempts(t)
	for range 10 {
		wantTaken(t, a, uuid.NewString(), home, 5)
	}
	for range 20 {
		wantLocked(t, a, "victim", home)
	}
	wantTaken(t, a, "victim", netip.MustParseAddr("198.51.100.1"), 5)
}

func TestAddressesAreCountedByNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2:3::1": "2001:db8:1:2::/64", "2001:db8:1:2:ffff::": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := NetworkOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is counted as %s, want %s", text, got, want)
		}
	}
	if got := NetworkOf(netip.Addr{}); got != "unknown" {
		t.Errorf("no address is counted as %s", got)
	}
}

// Of a hundred at once as many are made as of a hundred in a row.
func TestAttemptsAtOnceAreCounted(t *testing.T) {
	a := newAttempts(t)
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if a.Take(t.Context(), "ada", home) == nil {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if taken.Load() != 5 {
		t.Errorf("%d of 100 attempts were made, want 5", taken.Load())
	}
}

func TestRedisKnowsNoAccount(t *testing.T) {
	client := redisOf(t)
	a := NewAttempts(client, uuid.NewString())
	wantTaken(t, a, "ada@example.com", home, 1)
	keys, err := client.Keys(t.Context(), a.prefix+"*").Result()
	if err != nil || len(keys) != 4 {
		t.Fatalf("%v, %v; want a window and a lock each of the account and the address", keys, err)
	}
	for _, key := range keys {
		if strings.Contains(key, "ada") || client.PTTL(t.Context(), key).Val() <= 0 {
			t.Errorf("the key %s tells the account, or stays for ever", key)
		}
	}
}

func TestWithoutRedisThereAreNoAttempts(t *testing.T) {
	client := Connect(redis.Options{Addr: nowhere(t)})
	defer client.Close()
	a := NewAttempts(client, "none")
	for name, err := range map[string]error{
		"an attempt": a.Take(context.WithoutCancel(t.Context()), "ada", home),
		"a success":  a.Succeeded(context.WithoutCancel(t.Context()), "ada"),
	} {
		f, ok := fault.Of(err)
		if !ok || f.Code != fault.Unavailable || errors.Unwrap(f) == nil {
			t.Errorf("%s: %v, want UNAVAILABLE with its cause", name, err)
		}
	}
}
