package event_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// manager is somebody who may manage a tenant.
func manager(t *testing.T, id tenant.ID) context.Context {
	t.Helper()
	return access.With(t.Context(), access.Principal{Tenant: id, ID: uuid.New(), Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
}

// An event comes out of the quarantine as it went in, at the time at which it first arrived,
// and once, however many release it at a time.
func TestReleasedByManyItIsStoredOnce(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	plans := registry.NewPlans(h.App)
	service := registry.NewService(h.App, plans)
	w := h.writer(t, event.WriterOptions{Plans: plans})
	if _, err := service.Save(manager(t, acme), registry.Plan{OnViolation: registry.Report, OnUnknownType: registry.Quarantine}, nil); err != nil {
		t.Fatal(err)
	}
	arrived := time.Now().Add(-72 * time.Hour).UTC().Truncate(time.Microsecond)
	sent := event.Incoming{
		MessageID: "m1", Type: "E", UserID: "ann", GroupID: "g", SentAt: noon.Add(time.Minute), Timestamp: noon, ReceivedAt: arrived,
		Properties: []byte(`{"n":1.50e+2,"html":"<b>&\u2028"}`), Context: []byte(`{"ip":"::1"}`),
	}
	item := ready(t, sent)
	batch := []event.Item{item, item, did(t, "m2", "F", "bob", noon)}
	if got := send(t, w, acme, batch...).statuses(t); !slices.Equal(got, []event.Status{event.Quarantined, event.Quarantined, event.Quarantined}) {
		t.Fatalf("%v", got)
	}
	h.wantEvents(t, acme, 0)
	if _, err := service.Save(manager(t, acme), registry.Plan{OnViolation: registry.Report, OnUnknownType: registry.Allow}, nil); err != nil {
		t.Fatal(err)
	}
	const many = 4
	ended := make(chan error, many)
	for range many {
		go func() {
			_, err := w.Release(manager(t, acme), registry.Pick{})
			ended <- err
		}()
	}
	for range many {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	h.wantEvents(t, acme, 2)
	h.wantEvents(t, globex, 0)
	if n := h.Number(t, "select count(*) from quarantined_event where tenant_id = $1 and state = 'RELEASED' and body is null", acme); n != 2 {
		t.Errorf("%d are released, want 2", n)
	}
	if n := h.Number(t, "select count(*) from event where tenant_id = $1 and message_id = 'm1' and occurred_at = $2", acme, arrived.Add(-time.Minute)); n != 1 {
		t.Error("it did not happen a minute before it first arrived")
	}
	if got := send(t, w, acme, item).statuses(t); got[0] != duplicate {
		t.Errorf("the sender's repeat: %v", got)
	}
}

// What nobody decides on is forgotten in the end.
func TestHeldEventsAreForgotten(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	plans := registry.NewPlans(h.App)
	if _, err := registry.NewService(h.App, plans).Save(manager(t, acme), registry.Plan{OnUnknownType: registry.Quarantine}, nil); err != nil {
		t.Fatal(err)
	}
	w := h.writer(t, event.WriterOptions{Plans: plans})
	old := did(t, "old", "E", "ann", noon)
	old.ReceivedAt = time.Now().Add(-31 * 24 * time.Hour)
	send(t, w, acme, old, did(t, "new", "E", "ann", noon)).statuses(t)
	if err := registry.ForgetHeld(t.Context(), h.Worker, registry.HoldFor); err != nil {
		t.Fatal(err)
	}
	if n := h.Number(t, "select count(*) from quarantined_event where message_id = 'new'"); n != 1 {
		t.Error("the new one was forgotten")
	}
	if n := h.Number(t, "select count(*) from quarantined_event"); n != 1 {
		t.Errorf("%d are left, want 1", n)
	}
}

// Another server's writer takes a new plan up by itself.
func TestANewPlanReachesOtherServers(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{}) // with a cache of its own
	send(t, w, acme, did(t, "first", "E", "ann", noon)).statuses(t)
	_, err := registry.NewService(h.App, registry.NewPlans(h.App)).Save(manager(t, acme), registry.Plan{OnUnknownType: registry.Reject}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for ctx.Err() == nil {
		if got := send(t, w, acme, did(t, "first", "E", "ann", noon)).statuses(t); got[0] == rejected {
			return
		}
	}
	t.Error("the plan did not arrive")
}
