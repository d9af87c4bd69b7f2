package archive_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// erasure asks for identities to be erased, as the mutation does after the database's half.
func (h *house) erasure(t *testing.T, id tenant.ID, identities ...int64) uuid.UUID {
	t.Helper()
	erasure := uuid.New()
	h.Exec(t, "delete from event where tenant_id = $1 and identity_id = any ($2)", id, identities)
	h.Exec(t, "insert into erasure (tenant_id, erasure_id, reason, identity_ids, forgotten_at, database_done_at) values ($1, $2, 'asked', $3, now(), now())", id, erasure, identities)
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
			h.Exec(t, `
				insert into event_rollup (tenant_id, at, type, day, count)
				select tenant_id, date_bin('15 minutes', occurred_at, 'epoch'), type, occurred_at::date, count(*) from event group by 1, 2, 3, 4`)
			h.mustRun(t, acme)
			h.mustRun(t, globex)
			h.restore(t, acme, h.month(t, 2))
			untouched := h.Number(t, "select max(part) from archive_part where tenant_id = $1 and month = $2", acme, h.month(t, 2))
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
			if h.Number(t, "select count(*) from erasure where erasure_id = $1 and archive_done_at is not null and finished_at is not null and events_erased = 10", done) != 1 {
				t.Error("the erasure is not finished, or not of 10 events")
			}
			if h.Number(t, "select max(part) from archive_part where tenant_id = $1 and month = $2", acme, h.month(t, 2)) != untouched {
				t.Error("a part without their events was written anew")
			}
			h.Exec(t, "update archive_part set restored_until = now() where restored_until is not null")
			h.mustRun(t, acme)
			h.wantWhole(t, acme, want)
			for id, left := range map[tenant.ID]int{acme: len(want), globex: len(theirs)} {
				if n := h.Number(t, "select sum(count) from event_rollup where tenant_id = $1", id); n != left {
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
	h.Exec(t, "insert into erasure (tenant_id, erasure_id, identity_ids, forgotten_at, database_done_at) values ($1, $2, '{1,2,3,4}', now(), now())", acme, erasure)
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
