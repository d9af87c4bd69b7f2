package tail_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tail"
)

func wantIDs(t *testing.T, r *reader, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Fields(want), r.ids()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// What is stored from now on is told in the order of storing, whenever it happened; of another
// tenant nothing is.
func TestAStreamTellsWhatIsStored(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "Asia/Kolkata"), h.Tenant(t, "America/New_York")
	h.store(t, acme, did("before", "E", "u1", 0))
	r, stranger := h.follow(t, acme, tail.Query{}), h.follow(t, globex, tail.Query{})
	h.store(t, acme, did("m1", "E", "u1", 0), did("m2", "F", "u2", 24*400))
	r.until(t, 2)
	h.store(t, acme, did("m3", "$page", "u1", 24*40))
	h.store(t, globex, did("g1", "E", "u1", 0))
	h.store(t, acme, did("m4", "E", "u2", 1))
	r.until(t, 4)
	wantIDs(t, r, "m1 m2 m3 m4")
	stranger.until(t, 1)
	wantIDs(t, stranger, "g1")
}

func TestAStreamTellsWhatMeetsItsFilter(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	of := func(id, what, who, groupType, group string) event.Item {
		e := did(id, what, who, 0)
		e.GroupType, e.GroupID = groupType, group
		return e
	}
	filters := []struct {
		filter tail.Filter
		want   string
	}{
		{tail.Filter{}, "m1 m2 m3 m4 e1 e2"},
		{tail.Filter{Types: []string{"Buy", "End"}}, "m2 m4 e1 e2"},
		{tail.Filter{UserIDs: []string{"u1", "z"}}, "m1 m2 e1 e2"},
		{tail.Filter{GroupIDs: []string{"g", "z"}, GroupType: "account"}, "m2 m3 e1"},
		{tail.Filter{GroupIDs: []string{"g", "z"}, GroupType: "team"}, "m4 e2"},
		{tail.Filter{Types: []string{"Buy", "End"}, UserIDs: []string{"u1"}, GroupIDs: []string{"g"}, GroupType: "account"}, "m2 e1"},
	}
	var readers []*reader
	for _, f := range filters {
		readers = append(readers, h.follow(t, acme, tail.Query{Filter: f.filter}))
	}
	h.store(t, acme, of("m1", "Visit", "u1", "", ""), of("m2", "Buy", "u1", "account", "g"),
		of("m3", "Visit", "u2", "account", "g"), of("m4", "Buy", "u2", "team", "g"))
	h.store(t, acme, of("e1", "End", "u1", "account", "g"), of("e2", "End", "u1", "team", "g")) // so each ends with one
	for i, f := range filters {
		readers[i].until(t, len(strings.Fields(f.want)))
		wantIDs(t, readers[i], f.want)
	}
}

// A stream that was left goes on behind its cursor, at once and without anything twice.
func TestAStreamGoesOnBehindItsCursor(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "Europe/Berlin")
	r := h.follow(t, acme, tail.Query{})
	h.store(t, acme, did("m1", "E", "u1", 0))
	r.until(t, 1)
	r.leave()
	h.store(t, acme, did("m2", "E", "u1", 24*50), did("m3", "E", "u1", 0))
	again := h.follow(t, acme, tail.Query{After: &r.cursor})
	again.until(t, 2)
	h.store(t, acme, did("m4", "E", "u1", 0))
	again.until(t, 3)
	wantIDs(t, again, "m2 m3 m4")
}

// A reader that takes nothing holds nothing up but itself, and is then given an even sample.
func TestASlowReaderIsGivenASample(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	slow, quick := h.follow(t, acme, tail.Query{Rate: 10}), h.follow(t, acme, tail.Query{Rate: 1000})
	const all = 400
	h.storeMany(t, acme, "m", all)
	quick.until(t, all)
	if quick.skipped != 0 {
		t.Errorf("%d were left out of what is within the rate", quick.skipped)
	}
	slow.until(t, all)
	if n := len(slow.told); n != 20 { // what comes in two seconds
		t.Fatalf("%d were told", n)
	}
	for i, id := range slow.ids() {
		if want := fmt.Sprint("m", (i+1)*all/20-1); id != want {
			t.Errorf("the sample's event %d is %s, want %s", i, id, want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	text := func(s string) *string { return &s }
	many := make([]string, 101)
	reader := access.Principal{Tenant: acme, Kind: access.MemberKind, Permissions: access.Of(access.Read)}
	for name, c := range map[string]struct {
		query tail.Query
		who   access.Principal
		code  fault.Code
		field string
	}{
		"no rate":                   {tail.Query{}, reader, fault.BadUserInput, "maxRate"},
		"a rate too high":           {tail.Query{Rate: 1001}, reader, fault.BadUserInput, "maxRate"},
		"no cursor":                 {tail.Query{Rate: 1, After: text("")}, reader, fault.BadUserInput, "after"},
		"another list's cursor":     {tail.Query{Rate: 1, After: text("MTc3NzYzNjgwMDAwMDAwMC8x")}, reader, fault.BadUserInput, "after"},
		"a cursor of what is to be": {tail.Query{Rate: 1, After: text(tail.CursorAt(1<<40, time.Now()))}, reader, fault.BadUserInput, "after"},
		"an old cursor":             {tail.Query{Rate: 1, After: text(tail.CursorAt(0, time.Now().Add(-25*time.Hour)))}, reader, fault.BadUserInput, "after"},
		"many types":                {tail.Query{Rate: 1, Filter: tail.Filter{Types: many}}, reader, fault.BadUserInput, "filter.types"},
		"many users":                {tail.Query{Rate: 1, Filter: tail.Filter{UserIDs: many}}, reader, fault.BadUserInput, "filter.userIds"},
		"users of who may not see":  {tail.Query{Rate: 1, Filter: tail.Filter{UserIDs: many[:1]}}, reader, fault.Forbidden, "filter.userIds"},
		"who may not read":          {tail.Query{Rate: 1}, access.Principal{Tenant: acme}, fault.Forbidden, ""},
	} {
		_, err := h.streams.Follow(access.With(t.Context(), c.who), c.query)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != c.code || f.Field != c.field {
			t.Errorf("%s: %v, want %s of %q", name, err, c.code, c.field)
		}
	}
	if n := h.streams.Watched(); n != 0 {
		t.Errorf("%d tenants are watched for nobody", n)
	}
}

// A stream that ends leaves nothing behind.
func TestAStreamEndsWithItsReader(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	r := h.follow(t, acme, tail.Query{})
	h.storeMany(t, acme, "m", 150) // so that a batch waits for who has left
	r.leave()
	for range 2 {
		if _, open := <-r.batches; !open {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for h.streams.Watched() > 0 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the tenant is watched still")
	}
}
