package idempotency_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/idempotency"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// house is a database with a keeper of answers on it.
type house struct {
	*idempotency.Keys
	url    string
	worker *postgres.Worker
}

func newHouse(t *testing.T) *house {
	t.Helper()
	url := testkit.Database(t)
	app, err := postgres.OpenApp(t.Context(), url, 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	worker, err := postgres.OpenWorker(t.Context(), url, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	key, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	vault, err := secret.New([]secret.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	return &house{idempotency.New(app, vault, slog.New(slog.DiscardHandler)), url, worker}
}

// as is a context of a caller of a new tenant, and another of a colleague's.
func (h *house) as(t *testing.T) (caller, colleague context.Context) {
	t.Helper()
	id, err := access.CreateTenant(t.Context(), h.worker, "Somebody", "UTC", time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	with := func() context.Context {
		return access.With(t.Context(), access.Principal{Tenant: id, Kind: access.ManageKey, ID: uuid.New()})
	}
	return with(), with()
}

// exec runs a statement past row security.
func (h *house) exec(t *testing.T, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func fingerprint(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// lasting is a request that is done at once.
func lasting(answer string) func() ([]byte, bool) {
	return func() ([]byte, bool) { return []byte(answer), true }
}

func never(t *testing.T) func() ([]byte, bool) {
	return func() ([]byte, bool) {
		t.Error("it was done again")
		return nil, false
	}
}

func (h *house) want(t *testing.T, ctx context.Context, key, request, answer string, replayed bool, do func() ([]byte, bool)) {
	t.Helper()
	got, again, err := h.Once(ctx, key, fingerprint(request), do)
	if err != nil || string(got) != answer || again != replayed {
		t.Errorf("%s: %.50q, replayed %v, %v; want %.50q, %v", key, got, again, err, answer, replayed)
	}
}

func (h *house) wantFault(t *testing.T, ctx context.Context, key, request string, code fault.Code) {
	t.Helper()
	_, replayed, err := h.Once(ctx, key, fingerprint(request), never(t))
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code || f.Field != "Idempotency-Key" || replayed {
		t.Errorf("%s: %v, want %s", key, err, code)
	}
}

func TestARequestIsDoneOnce(t *testing.T) {
	h := newHouse(t)
	caller, colleague := h.as(t)
	stranger, _ := h.as(t)
	h.want(t, caller, "k", "a", "1", false, lasting("1"))
	h.want(t, caller, "k", "a", "1", true, never(t))
	h.wantFault(t, caller, "k", "b", fault.IdempotencyKeyReused)
	h.want(t, caller, "k2", "b", "2", false, lasting("2"))
	h.want(t, colleague, "k", "a", "3", false, lasting("3"))
	h.want(t, stranger, "k", "a", "4", false, lasting("4"))
	h.want(t, caller, "k", "a", "1", true, never(t))
}

func TestManyAtOnceAreOne(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	var done, waiting atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			answer, _, err := h.Once(caller, "k", fingerprint("a"), func() ([]byte, bool) { done.Add(1); return []byte("1"), true })
			f, _ := fault.Of(err)
			switch {
			case err == nil && string(answer) == "1":
			case err != nil && f.Code == fault.IdempotencyKeyInFlight && f.RetryAfter() > 0:
				waiting.Add(1)
			default:
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || waiting.Load() == 20 {
		t.Errorf("done %d times, %d were told to wait", done.Load(), waiting.Load())
	}
}

// While one is at it the key is taken, and free again if nothing came of it.
func TestAClaimHoldsUntilItIsSettled(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	h.want(t, caller, "k", "a", "no", false, func() ([]byte, bool) {
		h.wantFault(t, caller, "k", "a", fault.IdempotencyKeyInFlight)
		h.wantFault(t, caller, "k", "b", fault.IdempotencyKeyReused)
		return []byte("no"), false
	})
	h.wantFault(t, caller, "k", "b", fault.IdempotencyKeyReused)
	h.want(t, caller, "k", "a", "yes", false, lasting("yes"))
	h.want(t, caller, "k", "a", "yes", true, never(t))
}

// A claim whose process has died ends with its lease. Should that process live after all, its
// late answer does not take the place of its successor's.
func TestAClaimIsTakenOver(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	h.want(t, caller, "k", "a", "late", false, func() ([]byte, bool) {
		h.exec(t, `update idempotency_key set leased_until = now()`)
		h.want(t, caller, "k", "a", "in time", false, lasting("in time"))
		return []byte("late"), true
	})
	h.want(t, caller, "k", "a", "in time", true, never(t))
	h.want(t, caller, "k2", "a", "late", false, func() ([]byte, bool) {
		h.exec(t, `update idempotency_key set leased_until = now() where answered_at is null`)
		h.want(t, caller, "k2", "a", "in time", false, lasting("in time"))
		return []byte("late"), false // nor does its release free the key
	})
	h.want(t, caller, "k2", "a", "in time", true, never(t))
}

func TestACallerWhoLeavesIsAnsweredLater(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	leaving, leave := context.WithCancel(caller)
	h.want(t, leaving, "k", "a", "1", false, func() ([]byte, bool) { leave(); return []byte("1"), true })
	h.want(t, caller, "k", "a", "1", true, never(t))
}

func TestAnAnswerThatIsTooLargeIsGivenOnce(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	for size, code := range map[int]fault.Code{idempotency.MaxAnswer: "", idempotency.MaxAnswer + 1: fault.TooLarge} {
		key, answer := "k"+string(code), strings.Repeat("x", size)
		h.want(t, caller, key, "a", answer, false, lasting(answer))
		if code != "" {
			h.wantFault(t, caller, key, "a", code)
			continue
		}
		h.want(t, caller, key, "a", answer, true, never(t))
	}
}

// A sealed answer opens in its own row only.
func TestAnAnswerBelongsToItsRow(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	stranger, _ := h.as(t)
	h.want(t, caller, "k", "a", "mine", false, lasting("mine"))
	h.want(t, stranger, "k", "a", "theirs", false, lasting("theirs"))
	h.exec(t, `update idempotency_key k set sealed_answer = o.sealed_answer from idempotency_key o where o.tenant_id <> k.tenant_id`)
	for _, who := range []context.Context{caller, stranger} {
		answer, replayed, err := h.Once(who, "k", fingerprint("a"), never(t))
		if f, ok := fault.Of(err); err == nil || ok || f.Code != fault.Internal || replayed || bytes.ContainsAny(answer, "mt") {
			t.Errorf("%q, %v", answer, err)
		}
	}
}

func TestKeysNeedATenant(t *testing.T) {
	h := newHouse(t)
	h.wantFault(t, t.Context(), "k", "a", fault.BadUserInput)
	nowhere := access.With(t.Context(), access.Principal{Tenant: tenant.None, Kind: access.MemberKind, Login: uuid.New()})
	h.wantFault(t, nowhere, "k", "a", fault.BadUserInput)
}

func TestOldKeysAreForgotten(t *testing.T) {
	h := newHouse(t)
	caller, _ := h.as(t)
	h.want(t, caller, "old", "a", "1", false, lasting("1"))
	h.exec(t, `update idempotency_key set created_at = now() - interval '24 hours 1 minute'`)
	h.want(t, caller, "new", "a", "2", false, lasting("2"))
	if err := idempotency.Forget(t.Context(), h.worker); err != nil {
		t.Fatal(err)
	}
	h.want(t, caller, "new", "a", "2", true, never(t))
	h.want(t, caller, "old", "b", "3", false, lasting("3"))
}
