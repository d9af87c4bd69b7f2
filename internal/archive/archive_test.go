package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func bytesReader(content []byte) io.Reader { return bytes.NewReader(content) }

func TestWhatIsPastTheRetentionMoves(t *testing.T) {
	h := newHouse(t)
	acme, globex, forever := h.tenant(t, 1), h.tenant(t, 3), h.tenant(t, 0)
	for ago := range 5 {
		for _, id := range []tenant.ID{acme, globex, forever} {
			h.happened(t, id, h.month(t, ago), 20)
		}
	}
	before := h.events(t, acme)
	if err := h.archive(t).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The running month and so many whole months before it stay.
	if got := []int{len(h.events(t, acme)), len(h.events(t, globex)), len(h.events(t, forever))}; !cmp.Equal(got, []int{40, 80, 100}) {
		t.Errorf("%v events are left, want 40, 80, 100", got)
	}
	parts := h.parts(t, acme)
	if len(parts) != 9 { // of 7, 7 and 6 events in each of three months
		t.Fatalf("%d parts", len(parts))
	}
	p := parts[0]
	if want := fmt.Sprintf("tenant=%s/month=%s/part-", acme, h.month(t, 4).Format("2006-01")); !strings.HasPrefix(p.Path, want) || p.Events != 7 {
		t.Errorf("the first part is %+v", p)
	}
	if !p.FirstAt.Equal(h.month(t, 4).Add(time.Hour)) || !p.LastAt.Equal(h.month(t, 4).Add(7*time.Hour)) {
		t.Errorf("it has events from %v to %v", p.FirstAt, p.LastAt)
	}
	if err := h.archive(t).Keep(t.Context()); err != nil { // nothing is left to do
		t.Fatal(err)
	}
	if again := h.parts(t, acme); !cmp.Equal(again, parts) {
		t.Errorf("a second run changed parts:\n%s", cmp.Diff(parts, again))
	}
	h.wantWhole(t, acme, before)
}

// Months are kept whole, and at least one before the running one, in leap years and at the
// ends of years.
func TestKeptFrom(t *testing.T) {
	for _, c := range []struct {
		now       string
		retention int
		want      string
	}{
		{"2026-07-15T12:00:00Z", 1, "2026-06-01"},
		{"2026-07-01T00:00:00Z", 1, "2026-06-01"},
		{"2026-06-30T23:59:59Z", 1, "2026-05-01"},
		{"2026-03-31T12:00:00Z", 1, "2026-02-01"},
		{"2026-01-31T12:00:00Z", 2, "2025-11-01"},
		{"2024-02-29T12:00:00Z", 12, "2023-02-01"},
		{"2026-07-15T12:00:00Z", 0, "2026-06-01"},
		{"2026-07-15T12:00:00Z", -5, "2026-06-01"},
		{"2026-07-15T12:00:00+14:00", 1, "2026-06-01"},
		{"2026-07-01T05:00:00+14:00", 1, "2026-05-01"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		kept := archive.KeptFrom(now, c.retention)
		if kept.String() != c.want {
			t.Errorf("%s, %d months: kept from %s, want %s", c.now, c.retention, kept, c.want)
		}
		if first, err := time.Parse(time.DateOnly, kept.String()); err != nil || now.Sub(first) < event.RememberFor {
			t.Errorf("%s: what senders may repeat is not kept", c.now)
		}
	}
}

// Whatever the step at which a run is killed, and whether the step had been done or not,
// the next run ends with everything in its place.
func TestARunThatIsKilledIsFinishedByTheNext(t *testing.T) {
	for _, done := range []bool{false, true} {
		for step := 1; ; step++ {
			reached := false
			t.Run(fmt.Sprintf("step %d done %v", step, done), func(t *testing.T) {
				h := newHouse(t)
				acme := h.tenant(t, 1)
				h.happened(t, acme, h.month(t, 3), 10)
				before := h.events(t, acme)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				fail := func(call int, what, path string) error {
					if call != step {
						return nil
					}
					reached = true
					kill() // nothing is tidied up by a process that is gone
					return errInjected
				}
				if done {
					h.store.after = fail
				} else {
					h.store.before = fail
				}
				err := h.archive(t).Run(ctx, h.tenantRow(t, acme), func(int) {})
				if (err != nil) != reached {
					t.Fatalf("run: %v", err)
				}
				h.store.before, h.store.after = nil, nil
				h.awaitGone(t, acme)
				h.mustRun(t, acme)
				if n := len(h.events(t, acme)); n != 0 {
					t.Errorf("%d events are left", n)
				}
				h.wantWhole(t, acme, before)
			})
			if !reached {
				break
			}
		}
	}
}

// The same, where the database gives up: at each state that a part takes on, and at the
// deletion itself.
func TestARunThatTheDatabaseStopsIsFinishedByTheNext(t *testing.T) {
	for what, when := range map[string]string{
		"verified": "before update on archive_part for each row when (new.state = 'verified')",
		"dropped":  "before update on archive_part for each row when (new.state = 'dropped')",
		"deletion": "before delete on event for each row when (old.message_id = 'm6')",
		"begin":    "before insert on archive_part for each row when (true)",
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			acme := h.tenant(t, 1)
			h.happened(t, acme, h.month(t, 3), 10)
			before := h.events(t, acme)
			h.exec(t, "create function stop() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$")
			h.exec(t, "create trigger stop "+when+" execute function stop()")
			if err := h.run(t, acme); err == nil {
				t.Fatal("the run went well")
			}
			if diff := cmp.Diff(before, h.events(t, acme)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			h.exec(t, "drop function stop cascade")
			h.mustRun(t, acme)
			h.wantWhole(t, acme, before)
		})
	}
}

// An object that is not what was written is found out, and nothing is dropped.
func TestADamagedObjectDropsNothing(t *testing.T) {
	for name, spoil := range map[string]func(string, []byte) []byte{
		"a byte":  func(_ string, b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b },
		"cut":     func(_ string, b []byte) []byte { return b[:len(b)-1] },
		"longer":  func(_ string, b []byte) []byte { return append(bytes.Clone(b), 0) },
		"nothing": func(string, []byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			acme := h.tenant(t, 1)
			h.happened(t, acme, h.month(t, 3), 10)
			before := h.events(t, acme)
			h.store.spoil = spoil
			if err := h.run(t, acme); err == nil {
				t.Fatal("the run went well")
			}
			if diff := cmp.Diff(before, h.events(t, acme)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			h.store.spoil = nil
			h.mustRun(t, acme)

			h.store.spoil = spoil // it rots later
			damage, err := h.archive(t).Verify(t.Context(), acme, func(int, int) {})
			if err != nil || len(damage) != 2 {
				t.Errorf("verify: %v, %v; want two damaged parts", damage, err)
			}
			if _, err := h.archive(t).Restore(t.Context(), archive.Restore{Tenant: acme, From: h.month(t, 3), To: h.month(t, 2), Keep: time.Hour}, func(int, int) {}); err == nil || len(h.events(t, acme)) > 0 {
				t.Errorf("a damaged part was restored: %v", err)
			}
			h.store.spoil = nil
			h.wantWhole(t, acme, before)
		})
	}
}

// An event that arrives while its month is exported stays, and goes into the next part.
func TestAnEventThatArrivesMeanwhileIsNotLost(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 5)
	h.store.before = func(_ int, what, _ string) error {
		if what == "get" {
			h.store.before = nil
			h.exec(t, `insert into event (tenant_id, occurred_at, type, source, message_id, properties, context)
				values ($1, $2, 'Late', 'default', 'late', '{}', '{}')`, acme, h.month(t, 3).Add(90*time.Minute))
		}
		return nil
	}
	h.mustRun(t, acme)
	if parts := h.parts(t, acme); len(parts) != 2 || parts[0].Events != 5 || parts[1].Events != 1 || len(h.events(t, acme)) != 0 {
		t.Errorf("parts %+v, %d events left", parts, len(h.events(t, acme)))
	}
}

// An event that is erased while its month is exported does not stay in the archive.
func TestAnEventThatIsErasedMeanwhileIsNotArchived(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 5)
	h.store.before = func(_ int, what, _ string) error {
		if what == "get" {
			h.store.before = nil
			h.exec(t, `delete from event where tenant_id = $1 and message_id = 'm2'`, acme)
		}
		return nil
	}
	want := slices.Delete(h.events(t, acme), 1, 2)
	h.mustRun(t, acme)
	h.wantWhole(t, acme, want)
}

// Two workers at once: one works, the other passes, and each event is archived once.
func TestTwoWorkersAtOnce(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 30)
	before := h.events(t, acme)
	row := h.tenantRow(t, acme)
	working, second := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.store.before = func(int, string, string) error {
		once.Do(func() { close(working); <-second })
		return nil
	}
	first := make(chan error, 1)
	go func() { first <- h.archive(t).Run(t.Context(), row, func(int) {}) }()
	<-working
	err := h.archive(t).Run(t.Context(), row, func(int) {})
	if f, _ := fault.Of(err); f.Code != fault.Unavailable {
		t.Errorf("the second: %v", err)
	}
	if err := h.archive(t).Keep(t.Context()); err != nil {
		t.Errorf("the second, on its schedule: %v", err)
	}
	close(second)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	h.wantWhole(t, acme, before)
}

// Restoring twice doubles nothing; what is restored stays for its time, and then goes
// again, without what came in since, which goes into a part of its own.
func TestWhatIsRestoredStaysForItsTime(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.tenant(t, 1), h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 10)
	h.happened(t, acme, h.month(t, 2), 10)
	h.happened(t, globex, h.month(t, 3), 10)
	before := h.events(t, acme)
	h.mustRun(t, acme)
	h.mustRun(t, globex)
	if n := h.restore(t, acme, h.month(t, 3)); n != 10 || len(h.events(t, globex)) != 0 {
		t.Fatalf("%d events restored", n)
	}
	if n := h.restore(t, acme, h.month(t, 3)); n != 0 {
		t.Errorf("%d events restored twice", n)
	}
	if diff := cmp.Diff(before[:10], h.events(t, acme)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	h.exec(t, `insert into event (tenant_id, occurred_at, type, source, message_id, properties, context)
		values ($1, $2, 'Late', 'default', 'late', '{}', '{}')`, acme, h.month(t, 3).Add(90*time.Minute))
	h.mustRun(t, acme)
	if n := len(h.events(t, acme)); n != 11 {
		t.Errorf("%d events after a run, want all 11", n)
	}
	h.exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.mustRun(t, acme)
	if n := len(h.events(t, acme)); n != 0 {
		t.Errorf("%d events are left after their time", n)
	}
	if n := h.number(t, "select sum(events) from archive_part where tenant_id = $1", acme); n != 21 {
		t.Errorf("%d events are archived, want 21", n)
	}
	// Kept for ever again, what is restored has no time.
	h.restore(t, acme, h.month(t, 3))
	h.exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.exec(t, "update tenant set event_retention_months = null")
	h.mustRun(t, acme)
	if n := len(h.events(t, acme)); n != 11 {
		t.Errorf("%d events, want 11", n)
	}
}

// A restore that is killed leaves nothing that a run would archive again.
func TestARestoreThatIsKilled(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 20)
	before := h.events(t, acme)
	h.mustRun(t, acme)
	ctx, kill := context.WithCancel(t.Context())
	_, err := h.archive(t).Restore(ctx, archive.Restore{Tenant: acme, From: h.month(t, 3), To: h.month(t, 2), Keep: time.Hour},
		func(done, _ int) {
			if done > 7 {
				kill()
			}
		})
	if err == nil || len(h.events(t, acme)) == 0 {
		t.Fatalf("restore: %v, %d events", err, len(h.events(t, acme)))
	}
	h.awaitGone(t, acme)
	h.mustRun(t, acme)
	h.exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.mustRun(t, acme)
	if n := h.number(t, "select sum(events) from archive_part"); n != 20 || len(h.events(t, acme)) != 0 {
		t.Errorf("%d events are archived, %d stored", n, len(h.events(t, acme)))
	}
	h.wantWhole(t, acme, before)
}

// erasure asks for identities to be erased, as the mutation does after the database's half.
func (h *house) erasure(t *testing.T, id tenant.ID, identities ...int64) uuid.UUID {
	t.Helper()
	erasure := uuid.New()
	h.exec(t, "delete from event where tenant_id = $1 and identity_id = any ($2)", id, identities)
	h.exec(t, "insert into erasure (tenant_id, erasure_id, reason, identity_ids, forgotten_at, database_done_at) values ($1, $2, 'asked', $3, now(), now())", id, erasure, identities)
	return erasure
}

// Erasing writes anew what has the person's events, whatever step it is killed at, and
// nobody else's parts.
func TestErasureReachesTheArchive(t *testing.T) {
	for step := 0; ; step++ {
		reached := false
		t.Run(fmt.Sprint("killed at step ", step), func(t *testing.T) {
			h := newHouse(t)
			acme, globex := h.tenant(t, 1), h.tenant(t, 1)
			h.happened(t, acme, h.month(t, 3), 20)
			h.happened(t, acme, h.month(t, 2), 2) // identities 2 and 3 only
			h.happened(t, globex, h.month(t, 3), 20)
			before, theirs := h.events(t, acme), h.events(t, globex)
			h.exec(t, `
				insert into event_rollup (tenant_id, at, type, day, count)
				select tenant_id, date_bin('15 minutes', occurred_at, 'epoch'), type, occurred_at::date, count(*) from event group by 1, 2, 3, 4`)
			h.mustRun(t, acme)
			h.mustRun(t, globex)
			h.restore(t, acme, h.month(t, 2))
			untouched := h.number(t, "select max(part) from archive_part where tenant_id = $1 and month = $2", acme, h.month(t, 2))
			done := h.erasure(t, acme, 1, 4)
			h.store.calls = 0
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			h.store.before = func(call int, _, _ string) error {
				if reached = call == step || reached; call != step {
					return nil
				}
				kill()
				return errInjected
			}
			if err := h.archive(t).Erase(ctx); (err != nil) != reached {
				t.Fatalf("erase: %v", err)
			}
			h.store.before = nil
			h.awaitGone(t, acme)
			if err := h.archive(t).Erase(t.Context()); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i, e := range before {
				if n := i%20 + 1; i >= 20 || n%4 == 1 || n%4 == 2 { // identities 2 and 3
					want = append(want, e)
				}
			}
			if h.number(t, "select count(*) from erasure where erasure_id = $1 and archive_done_at is not null and finished_at is not null and events_erased = 10", done) != 1 {
				t.Error("the erasure is not finished, or not of 10 events")
			}
			if h.number(t, "select max(part) from archive_part where tenant_id = $1 and month = $2", acme, h.month(t, 2)) != untouched {
				t.Error("a part without their events was written anew")
			}
			h.exec(t, "update archive_part set restored_until = now() where restored_until is not null")
			h.mustRun(t, acme)
			h.wantWhole(t, acme, want)
			for id, left := range map[tenant.ID]int{acme: len(want), globex: len(theirs)} {
				if n := h.number(t, "select sum(count) from event_rollup where tenant_id = $1", id); n != left {
					t.Errorf("%d events are counted, %d are left", n, left)
				}
			}
			h.restore(t, globex, h.month(t, 3))
			if diff := cmp.Diff(theirs, h.events(t, globex)); diff != "" {
				t.Errorf("the stranger's events (-want +got):\n%s", diff)
			}
		})
		if step > 0 && !reached {
			break
		}
	}
}

// A part of which nothing is left stays, empty; and what was restored of a person goes, too.
func TestErasureOfAllThatAPartHas(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 7)
	h.mustRun(t, acme)
	h.restore(t, acme, h.month(t, 3))
	erasure := uuid.New() // asked for while the restore was under way: the events came after it
	h.exec(t, "insert into erasure (tenant_id, erasure_id, identity_ids, forgotten_at, database_done_at) values ($1, $2, '{1,2,3,4}', now(), now())", acme, erasure)
	if err := h.archive(t).Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if parts := h.parts(t, acme); len(h.events(t, acme)) != 0 || len(parts) != 1 || parts[0].Events != 0 {
		t.Errorf("%d events, parts %+v", len(h.events(t, acme)), parts)
	}
	h.wantObjects(t)
	if damage, err := h.archive(t).Verify(t.Context(), acme, func(int, int) {}); err != nil || len(damage) != 0 {
		t.Errorf("verify: %v, %v", damage, err)
	}
}

// Without an archive nothing is dropped, and an erasure has nothing to wait for.
func TestWithoutAStore(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 7)
	h.erasure(t, acme, 9)
	a := archive.New(h.worker, nil, nil, archive.Options{})
	if err := a.Run(t.Context(), h.tenantRow(t, acme), func(int) {}); err == nil || len(h.events(t, acme)) != 7 {
		t.Errorf("run: %v, %d events", err, len(h.events(t, acme)))
	}
	if n := h.number(t, "select count(*) from erasure where archive_done_at is null"); n != 0 {
		t.Error("the erasure is pending")
	}
	if err := a.Run(t.Context(), h.tenantRow(t, h.tenant(t, 1)), func(int) {}); err != nil {
		t.Errorf("a tenant without events: %v", err)
	}
}

func TestPlan(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 7)
	h.happened(t, acme, h.month(t, 1), 7)
	plan, err := h.archive(t).Plan(t.Context(), h.tenantRow(t, acme))
	if err != nil || len(plan) != 1 || plan[0].Events != 7 || plan[0].Month.String() != h.month(t, 3).Format(time.DateOnly) {
		t.Errorf("plan %+v, %v", plan, err)
	}
	if len(h.parts(t, acme)) > 0 || len(h.events(t, acme)) != 14 {
		t.Error("a plan did something")
	}
}

func TestRestoreRefusesWhatItCannotMean(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	for field, r := range map[string]archive.Restore{
		"to":        {From: now, To: now, Keep: time.Hour},
		"keep-days": {From: now, To: now.Add(1), Keep: 0},
	} {
		_, err := h.archive(t).Restore(t.Context(), r, nil)
		if f, _ := fault.Of(err); !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
