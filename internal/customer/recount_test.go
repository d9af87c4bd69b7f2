package customer_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// model is the plain truth: the events, and what was said by hand.
type model struct {
	events   []event.Incoming
	detached map[string]bool
	merges   []merged // those that hold, and those undone
	erased   map[string]bool
}

type merged struct {
	from, into string
	id         uuid.UUID
	undone     bool
}

var (
	start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	end   = start.Add(5 * 24 * time.Hour)
	users = []string{"ann", "ben", "cem", "dua"}
	gear  = []string{"phone", "tablet"}
)

func drawEvents(t *rapid.T, from, most int) []event.Incoming {
	events := make([]event.Incoming, rapid.IntRange(1, most).Draw(t, "events"))
	for i := range events {
		e := event.Incoming{
			MessageID: fmt.Sprintf("m%d", from+i), Timestamp: start.Add(time.Duration(rapid.IntRange(0, 5*24*4-1).Draw(t, "at")) * 15 * time.Minute),
			Type: rapid.SampledFrom([]string{"Opened", "Paid", event.Identify}).Draw(t, "type"),
		}
		e.UserID = rapid.SampledFrom(append([]string{""}, users...)).Draw(t, "user")
		e.AnonymousID = rapid.SampledFrom(append([]string{""}, gear...)).Draw(t, "device")
		if e.UserID == "" && e.AnonymousID == "" {
			e.AnonymousID = "null"
		}
		events[i] = e
	}
	return events
}

// owners are the users of devices, by the earliest event that names both.
func (m *model) owners() map[string]string {
	key := func(e event.Incoming) string {
		sum := sha256.Sum256([]byte("default\x00" + e.MessageID))
		return string(sum[:16])
	}
	byTime := slices.SortedFunc(slices.Values(m.events), func(a, b event.Incoming) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), strings.Compare(key(a), key(b)))
	})
	owner := map[string]string{}
	for _, e := range byTime {
		if _, owned := owner[e.AnonymousID]; e.UserID != "" && e.AnonymousID != "" && !owned {
			owner[e.AnonymousID] = e.UserID
		}
	}
	return owner
}

// root follows the merges that hold.
func (m *model) root(user string) string {
	for _, x := range m.merges {
		if !x.undone && x.from == user {
			return m.root(x.into)
		}
	}
	return user
}

// doer names the person who did an event; "" is nobody.
func (m *model) doer(e event.Incoming, owner map[string]string) string {
	switch user := owner[e.AnonymousID]; {
	case e.UserID != "":
		return m.root(e.UserID)
	case e.AnonymousID == "null":
		return ""
	case user != "" && !m.detached[e.AnonymousID]:
		return m.root(user)
	}
	return "device " + e.AnonymousID
}

// figures are the counts of each day, with those of the whole range at the end.
func (m *model) figures() map[string][]float64 {
	owner := m.owners()
	first, seen := map[string]time.Time{}, map[string]map[string]bool{}
	figures := map[string][]float64{"events": make([]float64, 6), "active_users": make([]float64, 6), "new_users": make([]float64, 6)}
	for _, e := range m.events {
		who, day := m.doer(e, owner), int(e.Timestamp.Sub(start)/(24*time.Hour))
		if who != "" && m.erased[who] {
			continue
		}
		figures["events"][day]++
		figures["events"][5]++
		if who == "" || !event.IsActivity(e.Type) {
			continue
		}
		for _, bucket := range []int{day, 5} {
			key := fmt.Sprint(bucket)
			if seen[key] == nil {
				seen[key] = map[string]bool{}
			}
			if !seen[key][who] {
				seen[key][who] = true
				figures["active_users"][bucket]++
			}
		}
		if at, known := first[who]; !known || e.Timestamp.Before(at) {
			first[who] = e.Timestamp
		}
	}
	for _, at := range first {
		figures["new_users"][int(at.Sub(start)/(24*time.Hour))]++
		figures["new_users"][5]++
	}
	return figures
}

func (h *house) figures(t testkit.Failer, id tenant.ID) map[string][]float64 {
	t.Helper()
	figures := map[string][]float64{}
	for _, key := range []string{"events", "active_users", "new_users"} {
		values, total := h.days(t, id, key, start, end)
		figures[key] = append(values, total)
	}
	return figures
}

func (h *house) compare(t *rapid.T, id tenant.ID, m *model, when string) {
	t.Helper()
	if diff := gocmp.Diff(m.figures(), h.figures(t, id)); diff != "" {
		t.Fatalf("%s: figures (-recount +got):\n%s", when, diff)
	}
}

// correct does something by hand, drawn at random, to the database and to the model; it tells
// what, or "" where it could not be done.
func (h *house) correct(t *rapid.T, id tenant.ID, m *model) string {
	switch what := rapid.SampledFrom([]string{"merge", "merge", "undo", "detach", "reattach"}).Draw(t, "correction"); what {
	case "merge":
		from, into := rapid.SampledFrom(users).Draw(t, "from"), rapid.SampledFrom(users).Draw(t, "into")
		if !m.knows(from) || !m.knows(into) || m.root(from) == m.root(into) {
			return ""
		}
		made, err := h.people.Merge(as(id), h.person(t, id, from, "").ID, h.identityOf(t, id, into, "").ID, "the same")
		if err != nil {
			t.Fatal(err)
		}
		m.merges = append(m.merges, merged{m.root(from), m.root(into), made.ID, false})
		return "merged " + from + " into " + into
	case "undo":
		if len(m.merges) == 0 {
			return ""
		}
		x := &m.merges[rapid.IntRange(0, len(m.merges)-1).Draw(t, "which")]
		if x.undone {
			return ""
		}
		if _, err := h.people.Undo(as(id), x.id); err != nil {
			t.Fatal(err)
		}
		x.undone = true
		return "undid " + x.from + " into " + x.into
	default:
		device := rapid.SampledFrom(gear).Draw(t, "device")
		if m.owners()[device] == "" || m.detached[device] == (what == "detach") {
			return ""
		}
		do := h.people.Reattach
		if what == "detach" {
			do = h.people.Detach
		}
		if _, err := do(as(id), h.identityOf(t, id, "", device).ID, "for a test"); err != nil {
			t.Fatal(err)
		}
		m.detached[device] = what == "detach"
		return what + " " + device
	}
}

func (m *model) knows(user string) bool {
	return slices.ContainsFunc(m.events, func(e event.Incoming) bool { return e.UserID == user })
}

// Merges, undone in any order, devices kept apart and attached again, events that come in
// between, late, and days that are materialized meanwhile: the figures are those of a plain
// recount at each step. A merge raises no unique count, and with everything taken back the
// figures are what they would be without it.
func TestFiguresFollowCorrections(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id := h.Tenant(t, "UTC")
		m := &model{detached: map[string]bool{}}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "send") {
				events := drawEvents(t, len(m.events), 10)
				m.events = append(m.events, events...)
				h.send(t, id, events...)
			}
			if rapid.IntRange(0, 3).Draw(t, "materialize") == 0 {
				h.materialize(t)
			}
			before := m.figures()
			done := h.correct(t, id, m)
			h.compare(t, id, m, done)
			if strings.HasPrefix(done, "merged") {
				wantNoneHigher(t, before, h.figures(t, id))
			}
		}
		for i := range m.merges {
			if x := &m.merges[i]; !x.undone {
				if _, err := h.people.Undo(as(id), x.id); err != nil {
					t.Fatal(err)
				}
				x.undone = true
			}
		}
		h.compare(t, id, m, "all undone")
	})
}

func wantNoneHigher(t *rapid.T, before, after map[string][]float64) {
	t.Helper()
	for _, key := range []string{"active_users", "new_users"} {
		if after[key][5] > before[key][5] {
			t.Fatalf("a merge raised %s from %v to %v", key, before[key], after[key])
		}
	}
	for day := range before["active_users"] {
		if after["active_users"][day] > before["active_users"][day] {
			t.Fatalf("a merge raised active users from %v to %v", before["active_users"], after["active_users"])
		}
	}
}

// Whoever is erased is gone from every figure, and everybody else is counted as before.
func TestFiguresFollowErasures(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id, stranger := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
		m := &model{detached: map[string]bool{}, erased: map[string]bool{}}
		m.events = drawEvents(t, 0, 40)
		h.send(t, id, m.events...)
		h.send(t, stranger, m.events...)
		others := (&model{events: m.events, detached: map[string]bool{}}).figures()
		for range rapid.IntRange(0, 4).Draw(t, "corrections") {
			h.correct(t, id, m)
		}
		if rapid.Bool().Draw(t, "materialize") {
			h.materialize(t)
		}
		persons := map[string][2]string{}
		owner := m.owners()
		for _, e := range m.events {
			if who := m.doer(e, owner); who != "" {
				persons[who] = [2]string{e.UserID, e.AnonymousID}
			}
		}
		for _, who := range slices.Sorted(maps.Keys(persons)) {
			if !rapid.Bool().Draw(t, "erase "+who) {
				continue
			}
			names := persons[who]
			_, err := h.people.Erase(as(id), h.person(t, id, names[0], names[1]).ID, "asked to")
			if err != nil {
				t.Fatal(err)
			}
			m.erased[who] = true
		}
		if err := h.eraser.Erase(context.Background()); err != nil {
			t.Fatal(err)
		}
		h.compare(t, id, m, "erased")
		h.send(t, id, m.events...) // all of them again: duplicates bring nobody back
		h.compare(t, id, m, "sent again")
		if diff := gocmp.Diff(others, h.figures(t, stranger)); diff != "" {
			t.Fatalf("the stranger's figures (-recount +got):\n%s", diff)
		}
	})
}
