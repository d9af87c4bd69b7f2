package ticket_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

func TestEachItemGetsAVerdict(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	solved := asked("t1", day(3), func(i *ticket.Item) { i.Status, i.SolvedAt = ticket.Solved, new(day(3)) })
	for _, c := range []struct {
		what  string
		items []ticket.Item
		want  string
	}{
		{"good and bad", []ticket.Item{asked("t1", day(2), about("Help")), asked("", day(2)), asked("t2", day(2))}, "ACCEPTED, REJECTED ticket.id, ACCEPTED"},
		{"the same again", []ticket.Item{asked("t1", day(2), about("Help"))}, "DUPLICATE"},
		{"something else at that instant", []ticket.Item{asked("t1", day(2), about("Other"))}, "CONFLICT ticket.updatedAt"},
		{"later, and the same again, and earlier", []ticket.Item{solved, solved, asked("t1", day(2))}, "ACCEPTED, DUPLICATE, DUPLICATE"},
		{"earlier than all that is known", []ticket.Item{asked("t1", day(1))}, "DUPLICATE"},
		{"two of one ticket", []ticket.Item{asked("t3", day(3)), asked("t3", day(4), about("Later"))}, "ACCEPTED, ACCEPTED"},
		{"two at one instant", []ticket.Item{asked("t4", day(3), about("First")), asked("t4", day(3), about("Second"))}, "ACCEPTED, CONFLICT ticket.updatedAt"},
		{"the same id elsewhere", []ticket.Item{asked("t1", day(2), func(i *ticket.Item) { i.Source = new("jira") })}, "ACCEPTED"},
		{"asked by somebody else", []ticket.Item{asked("t2", day(3), func(i *ticket.Item) { i.UserID, i.GroupID = new("ben"), nil })}, "ACCEPTED"},
	} {
		if got := h.record(t, acme, c.items...); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	want := []string{
		"desk/t1 SOLVED - 03 12:00 of ann for account g1", "desk/t2 OPEN - 03 12:00 of ben for -",
		"desk/t3 OPEN Later 04 12:00 of ann for account g1", "desk/t4 OPEN First 03 12:00 of ann for account g1",
		"jira/t1 OPEN - 02 12:00 of ann for account g1",
	}
	if diff := gocmp.Diff(want, h.all(t, acme)); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	if got := h.record(t, globex, asked("t1", day(2))); got != "ACCEPTED" {
		t.Errorf("another company's: %s", got)
	}
	if got := h.all(t, globex); len(got) != 1 {
		t.Errorf("another company has %v", got)
	}
}

// Naming somebody is no activity, and makes nobody a member.
func TestWhoIsNamedWasNotThere(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	h.record(t, id, asked("t1", day(2)))
	if n := h.Number(t, `select count(*) from identity where tenant_id = $1 and first_seen_at is null and distinct_id = 'ann'`, id); n != 1 {
		t.Errorf("%d people were named", n)
	}
	if n := h.Number(t, `select count(*) from membership where tenant_id = $1`, id) + h.Number(t, `select count(*) from presence where tenant_id = $1`, id); n != 0 {
		t.Errorf("naming somebody left %d traces of activity", n)
	}
	if n := h.Number(t, `select count(*) from account where tenant_id = $1 and first_seen_at = $2`, id, day(1)); n != 1 {
		t.Errorf("%d accounts were first seen as their ticket was opened", n)
	}
}

// Whoever has found a key in a page sends no tickets, and too many are refused.
func TestTicketsAreSentWithAWriteKey(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	for _, kind := range []access.Kind{access.PublishKey, access.ReadKey} {
		who := sender(id)
		who.Kind, who.Permissions = kind, kind.Permissions()
		_, err := h.tickets.Record(context.Background(), who, []ticket.Given{{Item: asked("t1", day(2))}})
		if f, _ := fault.Of(err); f == nil || f.Code != fault.Forbidden {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, n := range []int{0, ticket.MaxItems + 1} {
		_, err := h.tickets.Record(context.Background(), sender(id), make([]ticket.Given, n))
		if f, _ := fault.Of(err); f == nil || f.Field != "items" {
			t.Errorf("%d items: %v", n, err)
		}
	}
}

// drawStates makes up the lives of a few tickets: no two states of one are of an instant.
func drawStates(t *rapid.T) (all []ticket.Item) {
	for i := range rapid.IntRange(1, 3).Draw(t, "tickets") {
		for _, hour := range rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 1, 6, rapid.ID).Draw(t, "hours") {
			item := asked(fmt.Sprint("t", i), day(1).Add(time.Duration(hour)*time.Hour), about(fmt.Sprint("At ", hour)))
			item.Status = rapid.SampledFrom(ticket.AllStatuses()).Draw(t, "status")
			if who := rapid.SampledFrom([]string{"ann", "ben", ""}).Draw(t, "who"); who != "" {
				item.UserID = &who
			} else {
				item.UserID = nil
			}
			item.GroupID = new(rapid.SampledFrom([]string{"g1", "g2"}).Draw(t, "group"))
			all = append(all, item)
		}
	}
	return all
}

// Whatever the order and the batches in which states come, and however often, what is known is the
// latest of each ticket.
func TestTheOrderOfArrivalDecidesNothing(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id := h.Tenant(t, "UTC")
		all := drawStates(t)
		last := map[string]ticket.Item{}
		for _, item := range all {
			if was, known := last[item.ID]; !known || item.UpdatedAt.After(was.UpdatedAt) {
				last[item.ID] = item
			}
		}
		coming := append(slices.Clone(all), all[:rapid.IntRange(0, len(all)).Draw(t, "repeated")]...)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		random.Shuffle(len(coming), func(i, j int) { coming[i], coming[j] = coming[j], coming[i] })
		for len(coming) > 0 {
			n := rapid.IntRange(1, len(coming)).Draw(t, "batch")
			h.record(t, id, coming[:n]...)
			coming = coming[n:]
		}
		if diff := gocmp.Diff(latest(last), h.all(t, id)); diff != "" {
			t.Fatalf("known (-want +got):\n%s", diff)
		}
		for _, item := range last { // said once more, it is known
			if got := h.record(t, id, item); got != string(event.Duplicate) {
				t.Fatalf("%s again: %s", item.ID, got)
			}
		}
	})
}

func latest(last map[string]ticket.Item) (want []string) {
	for id, item := range last {
		who := "-"
		if item.UserID != nil {
			who = *item.UserID
		}
		want = append(want, fmt.Sprintf("desk/%s %s %s %s of %s for account %s", id, item.Status, *item.Subject, item.UpdatedAt.Format("02 15:04"), who, *item.GroupID))
	}
	slices.Sort(want)
	return want
}
