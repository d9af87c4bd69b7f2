package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/archive"
)

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
			h.Exec(t, "create function stop() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$")
			h.Exec(t, "create trigger stop "+when+" execute function stop()")
			if err := h.run(t, acme); err == nil {
				t.Fatal("the run went well")
			}
			if diff := cmp.Diff(before, h.events(t, acme)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			h.Exec(t, "drop function stop cascade")
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
