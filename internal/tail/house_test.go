package tail_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tail"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// within bounds every wait of these tests.
const within = 30 * time.Second

// house is a database with a server's streams.
type house struct {
	*testkit.House
	streams *tail.Service
	writer  *event.Writer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{House: testkit.NewHouse(t)}
	h.streams = tail.NewService(h.App, slog.New(slog.DiscardHandler))
	h.writer = h.newWriter(t)
	return h
}

// newWriter is that of another server.
func (h *house) newWriter(t *testing.T) *event.Writer {
	t.Helper()
	w := event.NewWriter(h.AnotherApp(t, nil), event.WriterOptions{})
	testkit.Run(t, w.Run)
	return w
}

// did is an event that somebody did some hours ago.
func did(id, what, who string, hours int) event.Item {
	return event.Item{Incoming: event.Incoming{
		MessageID: id, Type: what, UserID: who, Timestamp: time.Now().Add(-time.Duration(hours) * time.Hour),
	}}
}

// store stores events, and tells the streams of it.
func (h *house) store(t *testing.T, id tenant.ID, items ...event.Item) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for i := range items {
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	verdicts, err := h.writer.Append(ctx, id, "site", items)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatalf("%+v", v)
		}
	}
	h.streams.Changed(id)
}

// storeMany stores so many events in one batch: m0, m1 and so on, by one user.
func (h *house) storeMany(t *testing.T, id tenant.ID, name string, n int) {
	t.Helper()
	items := make([]event.Item, n)
	for i := range items {
		items[i] = did(fmt.Sprint(name, i), "E", "u", 0)
	}
	h.store(t, id, items...)
}

// as lets a tenant's key ask.
func as(ctx context.Context, id tenant.ID) context.Context {
	return access.With(ctx, access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
}

// reader reads a stream.
type reader struct {
	batches <-chan *tail.Batch
	leave   context.CancelFunc
	cursor  string
	told    []event.Event
	skipped int
}

// follow begins to read, behind a cursor if there is one.
func (h *house) follow(t *testing.T, id tenant.ID, q tail.Query) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(as(t.Context(), id))
	t.Cleanup(cancel)
	if q.Rate == 0 {
		q.Rate = 1000
	}
	batches, err := h.streams.Follow(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{batches: batches, leave: cancel}
	if first := r.next(t); len(first.Events) > 0 || first.Skipped > 0 {
		t.Fatalf("a stream begins with %+v", first)
	}
	return r
}

func (r *reader) next(t *testing.T) *tail.Batch {
	t.Helper()
	select {
	case b, open := <-r.batches:
		if !open {
			t.Fatal("the stream has ended")
		}
		r.note(b)
		return b
	case <-time.After(within):
		t.Fatalf("nothing came; until then %d were told, and %d left out", len(r.told), r.skipped)
		return nil
	}
}

func (r *reader) note(b *tail.Batch) {
	r.cursor, r.skipped, r.told = b.Cursor, r.skipped+b.Skipped, append(r.told, b.Events...)
}

// until reads until so many were told or left out.
func (r *reader) until(t *testing.T, n int) {
	t.Helper()
	for len(r.told)+r.skipped < n {
		r.next(t)
	}
	if got := len(r.told) + r.skipped; got != n {
		t.Fatalf("%d were told and %d left out, want %d together", len(r.told), r.skipped, n)
	}
}

// ids lists the messages that were told.
func (r *reader) ids() (list []string) {
	for _, e := range r.told {
		list = append(list, e.MessageID)
	}
	return list
}
