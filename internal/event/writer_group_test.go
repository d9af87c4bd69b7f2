package event_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// some gives that many events of distinct ids and persons.
func some(t *testing.T, name string, n int) (items []event.Item) {
	t.Helper()
	for i := range n {
		items = append(items, did(t, fmt.Sprint(name, i), "Login", fmt.Sprint(name, i), noon))
	}
	return items
}

func TestCallersShareTransactions(t *testing.T) {
	const calls = 40
	for _, c := range []struct{ batch, transactions int }{{1_000, 1}, {10, 4}, {1, calls}} {
		t.Run(fmt.Sprintf("of up to %d events", c.batch), func(t *testing.T) {
			h := newHouse(t)
			acme := h.Tenant(t, "UTC")
			w := event.NewWriter(h.App, event.WriterOptions{Batch: c.batch})
			var waiting []<-chan reply
			for _, item := range some(t, "m", calls) {
				waiting = append(waiting, offer(t, w, acme, item))
			}
			testkit.Run(t, w.Run)
			for _, answer := range waiting {
				if got := (<-answer).statuses(t); got[0] != accepted {
					t.Errorf("%v", got)
				}
			}
			if n := h.Number(t, "select count(distinct xmin::text) from event"); n != c.transactions {
				t.Errorf("%d calls took %d transactions, want %d", calls, n, c.transactions)
			}
			h.wantEvents(t, acme, calls)
		})
	}
}

// Events don't wait for a group to be full, and groups form by themselves under load.
func TestCallersWhoKeepComingShareTransactions(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{})
	const callers, rounds = 16, 5
	failed := make(chan error, callers)
	for c := range callers {
		rows := some(t, fmt.Sprint("m", c, "-"), rounds)
		go func() {
			for _, item := range rows {
				if _, err := w.Append(t.Context(), acme, "site", []event.Item{item}); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range callers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if n := h.Number(t, "select count(distinct received_at) from event"); n >= callers*rounds {
		t.Errorf("%d calls took %d transactions", callers*rounds, n)
	}
	h.wantEvents(t, acme, callers*rounds)
}

// flood offers events of a tenant, so many at a time, until they are refused.
func flood(t *testing.T, w *event.Writer, id tenant.ID, bound, atOnce int) (waiting []<-chan reply, refused reply) {
	t.Helper()
	for call := range bound/atOnce + 1 {
		before := event.WaitingIn(w)
		answer := offer(t, w, id, some(t, fmt.Sprint("flood", call, "-"), atOnce)...)
		if event.WaitingIn(w) == before {
			return waiting, <-answer
		}
		waiting = append(waiting, answer)
	}
	t.Fatalf("%d events wait, and none was refused", event.WaitingIn(w))
	return nil, reply{}
}

func TestAFullQueueRefusesAndRecovers(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w := event.NewWriter(h.App, event.WriterOptions{Queue: 20})
	waiting, refused := flood(t, w, acme, 20, 5)
	wantCode(t, refused.err, fault.Unavailable)
	if n := event.WaitingIn(w); n > 20 {
		t.Errorf("%d events wait, want 20 at most", n)
	}
	testkit.Run(t, w.Run)
	for _, answer := range waiting {
		if got := (<-answer).statuses(t); got[0] != accepted {
			t.Errorf("what waited: %v", got)
		}
	}
	if event.WaitingIn(w) != 0 {
		t.Errorf("%d events wait after all were answered", event.WaitingIn(w))
	}
	retry := send(t, w, acme, some(t, fmt.Sprint("flood", len(waiting), "-"), 5)...)
	if got := retry.statuses(t); got[0] != accepted {
		t.Errorf("the refused one, sent again: %v", got)
	}
	h.wantEvents(t, acme, 5*len(waiting)+5)
}

// One tenant's flood fills its own share of the queue, and delays a stranger by one
// transaction.
func TestAFloodDelaysAStrangerByOneTransaction(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	const batch = 10
	w := event.NewWriter(h.App, event.WriterOptions{Lanes: 1, Batch: batch, Queue: 200})
	waiting, _ := flood(t, w, acme, 200, 5)
	stranger := offer(t, w, globex, some(t, "stranger", 1)...)
	testkit.Run(t, w.Run)

	got := <-stranger
	if got.err != nil {
		t.Errorf("the stranger: %v", got.err)
	}
	for _, answer := range waiting {
		(<-answer).statuses(t)
	}
	if t.Failed() {
		return
	}
	if n := h.Number(t, `
		select count(*) from event
		where tenant_id = $1 and received_at < (select received_at from event where tenant_id = $2)`, acme, globex); n > batch {
		t.Errorf("%d events of the flood went before the stranger's, want %d at most", n, batch)
	}
}
