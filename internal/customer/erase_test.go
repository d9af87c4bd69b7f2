package customer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// crowd sends events of three people, who take turns.
func (h *house) crowd(t *testing.T, id tenant.ID, n int) {
	t.Helper()
	var events []event.Incoming
	for i := range n {
		events = append(events, event.Incoming{
			MessageID: fmt.Sprint(i), Type: "Opened", UserID: users[i%3], Timestamp: start.Add(time.Duration(i) * time.Hour),
			Traits: fmt.Appendf(nil, `{"n":%d}`, i),
		})
	}
	h.send(t, id, events...)
}

// However small the steps, however often it is stopped, and whoever else is at it: what is
// erased is erased once.
func TestAnErasureIsDoneStepByStep(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "Europe/Berlin")
	h.crowd(t, id, 90)
	var gone []customer.Erasure
	for _, user := range users[:2] {
		made, err := h.people.Erase(as(id), h.person(t, id, user, "").ID, "asked to")
		if err != nil {
			t.Fatal(err)
		}
		if made.FinishedAt != nil || made.Events != 0 {
			t.Errorf("%+v is finished before it was begun", made)
		}
		gone = append(gone, made)
	}
	if _, total := h.days(t, id, "events", start, end); total != 90 {
		t.Errorf("%v events before any is taken out, want 90", total)
	}
	eraser := customer.InSmallSteps(h.eraser)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := eraser.Erase(stopped); err == nil {
		t.Error("a stopped eraser says that it is done")
	}
	var both errgroup.Group
	for range 2 {
		both.Go(func() error { return eraser.Erase(context.Background()) })
	}
	if err := both.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, e := range gone {
		found, err := h.people.FindErasure(as(id), e.ID)
		if err != nil || found.FinishedAt != nil || found.Events != 30 || found.Identities != 1 {
			t.Errorf("%+v, %v; want 30 events of 1 identity", found, err)
		}
	}
	for key, want := range map[string]float64{"events": 30, "active_users": 1, "new_users": 1} {
		if _, total := h.days(t, id, key, start, end); total != want {
			t.Errorf("%s: %v, want %v", key, total, want)
		}
	}
	if _, err := h.people.FindErasure(as(h.Tenant(t, "UTC")), gone[0].ID); err == nil {
		t.Error("a stranger finds the erasure")
	}
}

// What was kept apart from an erased user stays, and has nobody to come back to.
func TestAnErasureLeavesWhatIsDetached(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	h.send(t, id,
		event.Incoming{MessageID: "1", Type: "Opened", AnonymousID: "tablet", Timestamp: start},
		event.Incoming{MessageID: "2", Type: "Opened", UserID: "ann", AnonymousID: "tablet", Timestamp: start})
	tablet := h.identityOf(t, id, "", "tablet")
	if _, err := h.people.Detach(as(id), tablet.ID, "a shared one"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.people.Erase(as(id), h.person(t, id, "ann", "").ID, "asked to"); err != nil {
		t.Fatal(err)
	}
	if err := h.eraser.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := h.people.Reattach(as(id), tablet.ID, "back")
	wantFault(t, err, fault.BadUserInput, "id")
	if p := h.person(t, id, "", "tablet"); p.ID != tablet.ID {
		t.Errorf("the tablet is %d's, want its own", p.ID)
	}
	if _, total := h.days(t, id, "active_users", start, end); total != 1 {
		t.Errorf("%v active users, want the tablet", total)
	}
}

// From the moment that somebody is to be erased nobody finds them or corrects them, and what
// comes in before the eraser has begun goes with them.
func TestWhoeverIsToBeErasedCannotBeFound(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	opened := func(message, user, device string, hour int) event.Incoming {
		return event.Incoming{MessageID: message, Type: "Opened", UserID: user, AnonymousID: device, Timestamp: start.Add(time.Duration(hour) * time.Hour)}
	}
	h.send(t, id, opened("1", "ann", "", 5), opened("2", "ann", "phone", 6), opened("3", "", "phone", 1), opened("4", "ben", "", 7), opened("5", "cem", "", 8))
	ann, ben, cem := h.person(t, id, "ann", ""), h.person(t, id, "ben", ""), h.person(t, id, "cem", "")
	made, err := h.people.Merge(as(id), cem.ID, ann.ID, "the same")
	if err != nil {
		t.Fatal(err)
	}
	phone := h.identityOf(t, id, "", "phone")
	if _, err := h.people.Erase(as(id), ann.ID, "asked to"); err != nil {
		t.Fatal(err)
	}
	name := "ann"
	if p, err := h.people.FindPerson(as(id), &name, nil); err != nil || p != nil {
		t.Errorf("found %v, %v", p, err)
	}
	_, err = h.people.Merge(as(id), ben.ID, ann.ID, "x")
	wantFault(t, err, fault.NotFound, "into")
	_, err = h.people.Merge(as(id), ann.ID, ben.ID, "x")
	wantFault(t, err, fault.NotFound, "from")
	_, err = h.people.Undo(as(id), made.ID)
	wantFault(t, err, fault.NotFound, "id")
	_, err = h.people.Detach(as(id), phone.ID, "x")
	wantFault(t, err, fault.NotFound, "id")
	_, err = h.people.Erase(as(id), ann.ID, "again")
	wantFault(t, err, fault.NotFound, "id")

	// Meanwhile a tablet joins her, and the phone turns out to be Ben's.
	h.send(t, id, opened("6", "ann", "tablet", 9), opened("7", "", "tablet", 9), opened("8", "ben", "phone", 2))
	if err := h.eraser.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][]float64{"events": {2, 0, 0, 0, 0}, "active_users": {1, 0, 0, 0, 0}, "new_users": {1, 0, 0, 0, 0}} {
		if got, total := h.days(t, id, key, start, end); total != want[0] || got[0] != want[0] {
			t.Errorf("%s: %v, %v in all; want %v", key, got, total, want)
		}
	}
	if p := h.person(t, id, "ben", ""); !p.FirstSeenAt.Equal(start.Add(2 * time.Hour)) {
		t.Errorf("Ben was first seen at %v, by a phone that is erased", p.FirstSeenAt)
	}
}
