package archive_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

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
	h.Exec(t, `insert into event (tenant_id, occurred_at, type, source, message_id, properties, context)
		values ($1, $2, 'Late', 'default', 'late', '{}', '{}')`, acme, h.month(t, 3).Add(90*time.Minute))
	h.mustRun(t, acme)
	if n := len(h.events(t, acme)); n != 11 {
		t.Errorf("%d events after a run, want all 11", n)
	}
	h.Exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.mustRun(t, acme)
	if n := len(h.events(t, acme)); n != 0 {
		t.Errorf("%d events are left after their time", n)
	}
	if n := h.Number(t, "select sum(events) from archive_part where tenant_id = $1", acme); n != 21 {
		t.Errorf("%d events are archived, want 21", n)
	}
	// Kept for ever again, what is restored has no time.
	h.restore(t, acme, h.month(t, 3))
	h.Exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.Exec(t, "update tenant set event_retention_months = null")
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
	h.Exec(t, "update archive_part set restored_until = now() where restored_until is not null")
	h.mustRun(t, acme)
	if n := h.Number(t, "select sum(events) from archive_part"); n != 20 || len(h.events(t, acme)) != 0 {
		t.Errorf("%d events are archived, %d stored", n, len(h.events(t, acme)))
	}
	h.wantWhole(t, acme, before)
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
