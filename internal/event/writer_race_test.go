package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// Two servers take events of one tenant at once, each in an order of its own. The events
// spread over days and persons, where the two meet.
func TestTwoServersMeetInOneTenant(t *testing.T) {
	const events = 600
	for name, mine := range map[string]func(server, i int) string{
		// As when a sender tries again at another server.
		"with the same events": func(_, i int) string { return fmt.Sprint("m", i) },
		// As on any day.
		"with events of their own": func(server, i int) string { return fmt.Sprint("m", server, "-", i) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			acme := h.Tenant(t, "America/New_York")
			var sending errgroup.Group
			verdicts := make([][]event.Verdict, 2)
			ids, met := map[string]bool{}, new(deadlocks)
			for s := range verdicts {
				w := event.NewWriter(h.AnotherApp(t, met), event.WriterOptions{Batch: 30})
				testkit.Run(t, w.Run)
				items := shuffled(t, s, events, func(i int) string { return mine(s, i) })
				for _, item := range items {
					ids[item.MessageID] = true
				}
				sending.Go(func() (err error) {
					verdicts[s], err = sendAll(t, w, acme, items, 15)
					return err
				})
			}
			if err := sending.Wait(); err != nil {
				t.Errorf("an error reached a caller: %v", err)
			}
			wantEachOnce(t, ids, slices.Concat(verdicts...))
			h.wantEvents(t, acme, len(ids))
			if n := met.Load(); n > 0 {
				t.Errorf("they met in %d deadlocks, of a second each", n)
			}
		})
	}
}

// deadlocks counts the statements that the server ended because of one.
type deadlocks struct{ atomic.Int64 }

func (*deadlocks) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (d *deadlocks) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if ended, ok := errors.AsType[*pgconn.PgError](data.Err); ok && ended.Code == "40P01" {
		d.Add(1)
	}
}

// shuffled gives events of 50 persons on 10 days, in an order of the server's own.
func shuffled(t *testing.T, server, n int, id func(i int) string) (items []event.Item) {
	t.Helper()
	for _, i := range rand.New(rand.NewPCG(1, uint64(server))).Perm(n) {
		at := noon.AddDate(0, 0, -i%10).Add(time.Duration(i) * time.Second)
		items = append(items, did(t, id(i), fmt.Sprint("type ", i%7), fmt.Sprint("person ", i%50), at))
	}
	return items
}

func wantEachOnce(t *testing.T, ids map[string]bool, verdicts []event.Verdict) {
	t.Helper()
	times := map[string]int{}
	for _, v := range verdicts {
		switch v.Status {
		case event.Accepted:
			times[v.MessageID]++
		case event.Duplicate:
		default:
			t.Errorf("verdict %+v", v)
		}
	}
	for id := range ids {
		if times[id] != 1 {
			t.Errorf("%s was accepted %d times", id, times[id])
		}
	}
}

// sendAll appends the items in calls of some each, all calls at once.
func sendAll(t *testing.T, w *event.Writer, id tenant.ID, items []event.Item, some int) ([]event.Verdict, error) {
	var calls errgroup.Group
	answers := make([][]event.Verdict, 0, len(items))
	for chunk := range slices.Chunk(items, some) {
		answers = append(answers, nil)
		slot := &answers[len(answers)-1]
		calls.Go(func() (err error) {
			*slot, err = w.Append(t.Context(), id, "site", chunk)
			return err
		})
	}
	err := calls.Wait()
	return slices.Concat(answers...), err
}

// What happened at the same instant stays in order of arrival, whichever server took it.
func TestEqualInstantsStayInOrderOfArrival(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	one, two := h.writer(t, event.WriterOptions{}), event.NewWriter(h.AnotherApp(t, nil), event.WriterOptions{})
	testkit.Run(t, two.Run)
	for i, w := range []*event.Writer{one, two, one, two, one} {
		name := string(rune('a' + i))
		send(t, w, acme, did(t, name+"1", name, "ann", noon), did(t, name+"2", name, "ann", noon)).statuses(t)
	}
	var order string
	err := h.Owner.QueryRow(t.Context(), "select string_agg(message_id, ' ' order by event_id) from event").Scan(&order)
	if err != nil || order != "a1 a2 b1 b2 c1 c2 d1 d2 e1 e2" {
		t.Errorf("order %s, %v", order, err)
	}
}
