package archive_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// An event that arrives while its month is exported stays, and goes into the next part.
func TestAnEventThatArrivesMeanwhileIsNotLost(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 5)
	h.store.before = func(_ int, what, _ string) error {
		if what == "get" {
			h.store.before = nil
			h.Exec(t, `insert into event (tenant_id, occurred_at, type, source, message_id, properties, context)
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
			h.Exec(t, `delete from event where tenant_id = $1 and message_id = 'm2'`, acme)
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
