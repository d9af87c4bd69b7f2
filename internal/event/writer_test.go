package event_test

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

const (
	accepted  = event.Accepted
	duplicate = event.Duplicate
	conflict  = event.Conflict
	rejected  = event.Rejected
)

func TestEveryEventGetsItsVerdict(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "Europe/Berlin"), h.Tenant(t, "America/New_York")
	w := h.writer(t, event.WriterOptions{})

	unreadable := event.Item{Incoming: event.Incoming{MessageID: "m3"}, Problem: fault.Input("properties.a", "That won't do.")}
	tooEarly := ready(t, event.Incoming{MessageID: "m4", Type: "Login", UserID: "ann", Timestamp: event.Earliest, SentAt: time.Now().Add(time.Hour)})
	batch := []event.Item{
		did(t, "m1", "Login", "ann", noon),
		did(t, "m1", "Login", "ann", noon),
		did(t, "m1", "Login", "bob", noon),
		unreadable, tooEarly,
		did(t, "m2", "Login", "null", noon),
	}
	first := send(t, w, acme, batch...)
	if got, want := first.statuses(t), []event.Status{accepted, duplicate, conflict, rejected, rejected, accepted}; !slices.Equal(got, want) {
		t.Errorf("first: %v, want %v", got, want)
	}
	want := []event.Verdict{
		{MessageID: "m1", Status: accepted}, {MessageID: "m1", Status: duplicate},
		{MessageID: "m1", Status: conflict, Field: "messageId", Reason: "Another event with this id came first."},
		{MessageID: "m3", Status: rejected, Field: "properties.a", Reason: "That won't do."},
		{MessageID: "m4", Status: rejected, Field: "timestamp", Reason: "Events before the year 2000 are not taken."},
		{MessageID: "m2", Status: accepted},
	}
	if !reflect.DeepEqual(first.verdicts, want) {
		t.Errorf("verdicts %+v, want %+v", first.verdicts, want)
	}
	again := send(t, w, acme, batch...)
	if got, want := again.statuses(t), []event.Status{duplicate, duplicate, conflict, rejected, rejected, duplicate}; !slices.Equal(got, want) {
		t.Errorf("again: %v, want %v", got, want)
	}
	h.wantEvents(t, acme, 2)

	// Ids are a sender's own: neither another source nor a stranger meets them.
	verdicts, err := w.Append(t.Context(), acme, "shop", batch[:1])
	if err != nil || verdicts[0].Status != accepted {
		t.Errorf("from another source: %v, %v", verdicts, err)
	}
	if got := send(t, w, globex, batch[0]).statuses(t); got[0] != accepted {
		t.Errorf("of the stranger: %v", got)
	}
	h.wantEvents(t, acme, 3)
	h.wantEvents(t, globex, 1)
}

// Of two events under one id the stored one is the measure, whatever else is in the batch.
func TestAnEventInConflictIsNoMeasureForOthers(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{})
	stored, other := did(t, "m", "Login", "ann", noon), did(t, "m", "Login", "bob", noon)
	send(t, w, acme, stored)
	for name, c := range map[string]struct {
		batch []event.Item
		want  []event.Status
	}{
		"the other, then the stored one": {[]event.Item{other, stored}, []event.Status{conflict, duplicate}},
		"the other, twice":               {[]event.Item{other, other}, []event.Status{conflict, conflict}},
		"the stored one, then the other": {[]event.Item{stored, other, stored}, []event.Status{duplicate, conflict, duplicate}},
	} {
		if got := send(t, w, acme, c.batch...).statuses(t); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	h.wantEvents(t, acme, 1)
}

func TestNothingIsWrittenForABatchWithoutAnythingFit(t *testing.T) {
	w := event.NewWriter(nil, event.WriterOptions{}) // needs no database, nor to run
	bad := event.Item{Problem: fault.Input("event", "An event needs a name.")}
	if got := send(t, w, tenant.ID{1}, bad, bad).statuses(t); !slices.Equal(got, []event.Status{rejected, rejected}) {
		t.Errorf("%v", got)
	}
}

// Whoever gave up waiting does not know whether the events were stored. Sending them again
// is safe, and tells.
func TestACallerWhoGaveUpMaySendAgain(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := event.NewWriter(h.App, event.WriterOptions{})
	login := did(t, "m", "Login", "ann", noon)

	impatient, cancel := context.WithCancel(t.Context())
	go func() {
		for event.WaitingIn(w) == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	_, err := w.Append(impatient, acme, "site", []event.Item{login})
	wantCode(t, err, fault.Timeout)

	second := offer(t, w, acme, login)
	testkit.Run(t, w.Run)
	if got := (<-second).statuses(t); got[0] != duplicate {
		t.Errorf("sent again: %v, want %s, since the first was stored after all", got, duplicate)
	}
	h.wantEvents(t, acme, 1)
}

func TestATransactionEndsAtItsDeadline(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{Deadline: 200 * time.Millisecond})
	login := did(t, "m", "Login", "ann", noon)

	blocker, err := h.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), "lock table message in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, send(t, w, acme, login).err, fault.Timeout)
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := send(t, w, acme, login).statuses(t); got[0] != accepted {
		t.Errorf("once the lock is gone: %v", got)
	}
	h.wantEvents(t, acme, 1)
}

func TestAStoppedWriterAnswersWhatWaitedAndRefusesTheRest(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	globex := h.Tenant(t, "UTC")
	w := event.NewWriter(h.App, event.WriterOptions{Lanes: 2, Batch: 1})
	var waiting []<-chan reply
	for i, id := range []tenant.ID{acme, globex, acme, globex, acme} {
		waiting = append(waiting, offer(t, w, id, did(t, string(rune('a'+i)), "Login", "ann", noon)))
	}
	testkit.Run(t, w.Run)() // and stops it at once
	for _, answer := range waiting {
		if got := (<-answer).statuses(t); got[0] != accepted {
			t.Errorf("what waited: %v", got)
		}
	}
	late := send(t, w, acme, did(t, "late", "Login", "ann", noon))
	wantCode(t, late.err, fault.Unavailable)
	h.wantEvents(t, acme, 3)
	h.wantEvents(t, globex, 2)
}

func TestEventsOfATenantThatIsNotThereAreAnError(t *testing.T) {
	h := newHouse(t)
	w := h.writer(t, event.WriterOptions{})
	if got := send(t, w, tenant.ID{1}, did(t, "m", "Login", "ann", noon)); got.err == nil {
		t.Errorf("verdicts %v", got.verdicts)
	}
	h.wantEvents(t, tenant.ID{1}, 0)
}
