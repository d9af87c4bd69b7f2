package event_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// as lets a tenant's key ask.
func as(t *testing.T, id tenant.ID, kind access.Kind) context.Context {
	t.Helper()
	return access.With(t.Context(), access.Principal{Tenant: id, Kind: kind, Permissions: kind.Permissions()})
}

// may is a range that holds all of these tests' events.
var may = event.PageQuery{From: noon.AddDate(0, 0, -1), To: noon.AddDate(0, 0, 30), First: 100}

func names(events []event.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, e.MessageID)
	}
	return strings.Join(list, " ")
}

func TestPagesGiveTheLatestFirst(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	w, reader := h.writer(t, event.WriterOptions{}), event.NewReader(h.App)
	send(t, w, acme,
		did(t, "a", "Login", "ann", noon), did(t, "b", "Buy", "ann", noon.Add(time.Hour)),
		did(t, "c", "Login", "bob", noon), did(t, "d", "Buy", "bob", noon.Add(-time.Hour)),
		did(t, "e", "Login", "eve", noon), did(t, "f", "Leave", "eve", noon.Add(time.Microsecond)),
		did(t, "g", "Leave", "eve", noon.AddDate(0, 1, 0)), // another partition
	).statuses(t)
	send(t, w, globex, did(t, "x", "Login", "ann", noon)).statuses(t)
	cases := []struct {
		name   string
		change func(*event.PageQuery)
		want   string
	}{
		{"all; of equal instants the last to arrive first", func(*event.PageQuery) {}, "b f e c a d"},
		{"of one type", func(q *event.PageQuery) { q.Types = []string{"Login"} }, "e c a"},
		{"of two types", func(q *event.PageQuery) { q.Types = []string{"Buy", "Leave"} }, "b f d"},
		{"of no type", func(q *event.PageQuery) { q.Types = []string{} }, ""},
		{"of a type that is not there", func(q *event.PageQuery) { q.Types = []string{"login"} }, ""},
		{"from an instant on, up to another", func(q *event.PageQuery) { q.From, q.To = noon, noon.Add(time.Hour) }, "f e c a"},
		{"over partitions", func(q *event.PageQuery) { q.To = noon.AddDate(0, 2, 0) }, "g b f e c a d"},
		{"of nothing", func(q *event.PageQuery) { q.To = q.From }, ""},
	}
	for _, c := range cases {
		q := may
		c.change(&q)
		page, err := reader.Page(as(t, acme, access.ReadKey), q)
		if got := names(page.Events); err != nil || got != c.want || page.More {
			t.Errorf("%s: %q, more %v, %v; want %q", c.name, got, page.More, err, c.want)
		}
	}
	page, err := reader.Page(as(t, globex, access.ReadKey), may)
	if got := names(page.Events); err != nil || got != "x" {
		t.Errorf("the stranger sees %q, %v; want only its own", got, err)
	}
}

// However a list is cut into pages, together they are the list.
func TestPagesFollowEachOtherWithoutAGap(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	var items []event.Item
	for i := range 23 {
		items = append(items, did(t, fmt.Sprint("m", i), "Login", "ann", noon.Add(time.Duration(i%4)*time.Microsecond)))
	}
	send(t, h.writer(t, event.WriterOptions{}), acme, items...).statuses(t)
	reader, ctx := event.NewReader(h.App), as(t, acme, access.ReadKey)
	whole, err := reader.Page(ctx, may)
	if err != nil || len(whole.Events) != 23 {
		t.Fatalf("%d events, %v", len(whole.Events), err)
	}
	for _, size := range []int{1, 2, 7, 22, 23, 24} {
		var list []event.Event
		q, more := may, true
		for q.First = size; more; {
			page, err := reader.Page(ctx, q)
			if err != nil || len(page.Events) == 0 {
				t.Fatalf("pages of %d: %d events, %v", size, len(page.Events), err)
			}
			list = append(list, page.Events...)
			q.After, more = &page.Events[len(page.Events)-1].Position, page.More
		}
		if diff := cmp.Diff(names(whole.Events), names(list)); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	q := may
	q.After = &whole.Events[22].Position
	if page, err := reader.Page(ctx, q); err != nil || len(page.Events) != 0 || page.More {
		t.Errorf("after the last: %s, more %v, %v", names(page.Events), page.More, err)
	}
}

func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "Asia/Kolkata")
	item := ready(t, event.Incoming{
		MessageID: "m", Type: "Buy", AnonymousID: "device", Timestamp: noon.Add(1234 * time.Nanosecond),
		Properties: []byte(`{"price": 12345678901234567890.50, "tags": ["é", null]}`), Context: []byte(`{"ip":"::1"}`),
	})
	send(t, h.writer(t, event.WriterOptions{}), acme, item).statuses(t)
	page, err := event.NewReader(h.App).Page(as(t, acme, access.ReadKey), may)
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	device := "device"
	want := event.Event{
		Position: event.Position{OccurredAt: noon.Add(time.Microsecond)},
		Type:     "Buy", MessageID: "m", AnonymousID: &device,
		Properties: []byte(`{"tags": ["é", null], "price": 12345678901234567890.50}`), Context: []byte(`{"ip": "::1"}`),
	}
	got := page.Events[0]
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(event.Event{}, "Position.ID", "ReceivedAt", "Identity")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.OccurredAt.Location() != time.UTC || got.ReceivedAt.Location() != time.UTC || got.ID == 0 || got.Identity == nil {
		t.Errorf("occurred at %v, received at %v, id %d, by %v", got.OccurredAt, got.ReceivedAt, got.ID, got.Identity)
	}
}

func TestPositionsFindOnlyOnesOwnEvents(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	w, reader := h.writer(t, event.WriterOptions{}), event.NewReader(h.App)
	send(t, w, acme, did(t, "a", "Login", "ann", noon), did(t, "b", "Login", "ann", noon)).statuses(t)
	send(t, w, globex, did(t, "x", "Login", "ann", noon)).statuses(t)
	own, err := reader.Page(as(t, acme, access.ReadKey), may)
	foreign, err2 := reader.Page(as(t, globex, access.ReadKey), may)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	a, b, x := own.Events[1].Position, own.Events[0].Position, foreign.Events[0].Position
	asked := []event.Position{
		a, b, a, x, {},
		{OccurredAt: a.OccurredAt, ID: -1}, {OccurredAt: a.OccurredAt.Add(time.Microsecond), ID: a.ID},
		{OccurredAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: a.ID},
	}
	found, err := reader.ByPositions(as(t, acme, access.ReadKey), asked)
	if err != nil || len(found) != 2 || found[a].MessageID != "a" || found[b].MessageID != "b" {
		t.Errorf("found %v, %v; want a and b", found, err)
	}
	if found, err := reader.ByPositions(as(t, acme, access.ReadKey), nil); err != nil || len(found) != 0 {
		t.Errorf("of nothing: %v, %v", found, err)
	}
}

func TestReadingNeedsAKeyThatMayAndAPageOfSomeSize(t *testing.T) {
	h := newHouse(t)
	reader, acme := event.NewReader(h.App), h.Tenant(t, "UTC")
	for code, ctx := range map[fault.Code]context.Context{
		fault.Unauthenticated: t.Context(),
		fault.Forbidden:       as(t, acme, access.WriteKey),
	} {
		_, err := reader.Page(ctx, may)
		wantCode(t, err, code)
		_, err = reader.ByPositions(ctx, []event.Position{{}})
		wantCode(t, err, code)
	}
	for first, fits := range map[int]bool{-1: false, 0: false, 1: true, 500: true, 501: false, 1 << 31: false} {
		q := may
		q.First = first
		_, err := reader.Page(as(t, acme, access.ReadKey), q)
		if fits != (err == nil) {
			t.Errorf("first %d: %v", first, err)
		}
		if !fits {
			wantCode(t, err, fault.BadUserInput)
		}
	}
}
