package health_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/event"
	. "github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// world is what was sent of a tenant, kept in the plainest form.
type world struct {
	place  *time.Location
	now    time.Time
	deeds  []deed
	traits []trait
	dues   []due
	prices []price
	asked  []asked

	belonging []deed // who was said to belong to whom
}

type deed struct {
	at            time.Time
	kind          string
	user, account string
}

type trait struct {
	at      time.Time
	account string
	nps     float64
}

type due struct {
	account string
	at      time.Time
	open    bool
}

type price struct {
	at      time.Time
	account string
	amount  int64
}

type asked struct {
	account string
	at      time.Time
	open    bool
	rating  *ticket.Rating
}

var groups = []string{"g1", "g2", "g3"}

// day is which day an instant is on, as a count of days.
func (w *world) day(at time.Time) int {
	y, m, d := at.In(w.place).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// ago is how many days before today it was.
func (w *world) ago(at time.Time) int { return w.day(w.now) - w.day(at) }

// read measures an input of an account by looking at everything.
func (w *world) read(in Input, account string) (float64, bool) {
	switch in.Kind {
	case Trait:
		return w.said(in, account)
	case LastSeen:
		best, ok := 0, false
		for _, d := range slices.Concat(w.deeds, w.belonging) {
			if d.account == account && (!ok || w.ago(d.at) < best) {
				best, ok = w.ago(d.at), true
			}
		}
		return float64(best), ok
	case Overdue:
		return w.overdue(account)
	case OpenTickets, TicketRating:
		return w.helped(in, account)
	case MRRChange:
		was, is := w.mrr(account, in.Days-1), w.mrr(account, -1)
		return float64(is-was) / float64(was) * 100, was > 0
	}
	return w.counted(in, account)
}

func (w *world) said(in Input, account string) (nps float64, ok bool) {
	var at time.Time
	for _, s := range w.traits {
		if s.account == account && s.at.After(at) {
			at, nps, ok = s.at, s.nps, true
		}
	}
	return nps, ok && w.ago(at) <= in.StaleAfter
}

func (w *world) overdue(account string) (worst float64, ok bool) {
	for _, d := range w.dues {
		if d.account == account {
			ok = true
			if d.open {
				worst = max(worst, float64(w.ago(d.at)))
			}
		}
	}
	return worst, ok
}

func (w *world) helped(in Input, account string) (float64, bool) {
	open, good, rated := 0.0, 0.0, 0.0
	for _, a := range w.asked {
		if a.account != account {
			continue
		}
		if a.open {
			open++
		}
		if a.rating != nil && w.ago(a.at) < in.Days {
			if rated++; *a.rating == ticket.Good {
				good++
			}
		}
	}
	if in.Kind == OpenTickets {
		return open, true
	}
	return good / rated * 100, rated > 0
}

// mrr is what an account came to as a day began that was so many days ago; -1: what it comes to.
func (w *world) mrr(account string, ago int) (amount int64) {
	var at time.Time
	for _, p := range w.prices {
		if p.account == account && (ago < 0 || w.ago(p.at) > ago) && p.at.After(at) {
			at, amount = p.at, p.amount
		}
	}
	return amount
}

func (w *world) counted(in Input, account string) (float64, bool) {
	users, kinds, now, before := map[string]bool{}, map[string]bool{}, 0, 0
	for _, d := range w.deeds {
		ago := w.ago(d.at)
		if d.account != account || in.Types != nil && !slices.Contains(in.Types, d.kind) {
			continue
		}
		if in.Kind == EventsChange {
			ago-- // the running day does not count
		}
		switch {
		case ago >= 0 && ago < in.Days:
			now++
			users[d.user], kinds[d.kind] = true, true
		case ago >= in.Days && ago < 2*in.Days:
			before++
		}
	}
	switch in.Kind {
	case ActivePeople:
		return float64(len(users)), true
	case Features:
		return float64(len(kinds)), true
	case EventsChange:
		return float64(now-before) / float64(before) * 100, before > 0
	}
	return float64(now), true
}

// What is calculated is what a plain look at all that was sent comes to.
func TestScoresAreWhatWasSent(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"}).Draw(t, "zone")
		place, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		id := h.Tenant(t, zone)
		w := &world{place: place, now: time.Now().UTC()}
		w.draw(t, h, id)
		inputs := drawInputs(t)
		h.set(t, id, inputs...)
		h.work(t)
		m, err := h.health.Model(as(id))
		if err != nil || m.State != Done {
			t.Fatal(m, err, *m.Failure)
		}
		w.now = *m.CalculatedAt
		for _, group := range groups {
			w.check(t, inputs, group, h.standing(t, id, group))
		}
	})
}

func (w *world) check(t *rapid.T, inputs []Input, group string, got Standing) {
	readings := make([]Reading, len(inputs))
	for i, in := range inputs {
		want, ok := w.read(in, group)
		if ok {
			readings[i].Value = &want
		}
		c := got.Inputs[i]
		if ok != (c.State == Used) || ok && math.Abs(*c.Value-want) > 1e-9*math.Max(1, math.Abs(want)) {
			t.Fatalf("%s of %s: %+v, want %v %v; now %v", in.Kind, group, c, want, ok, w.now)
		}
	}
	checkMean(t, inputs, readings, Result{Score: got.Calculated, Inputs: got.Inputs})
}

func (w *world) draw(t *rapid.T, h *house, id tenant.ID) {
	var sent []event.Incoming
	moment := func() time.Time { // to the second, and often at the edge of a day
		at := w.now.Add(-time.Duration(rapid.IntRange(60, 30*86_400).Draw(t, "seconds ago")) * time.Second).Truncate(time.Second)
		if y, m, d := at.In(w.place).Date(); rapid.Bool().Draw(t, "at midnight") {
			at = time.Date(y, m, d, 0, 0, 0, 0, w.place).UTC()
		}
		return at
	}
	for i := range rapid.IntRange(0, 25).Draw(t, "deeds") {
		d := deed{
			moment(), rapid.SampledFrom([]string{"Opened", "Saved", "Shared"}).Draw(t, "type"),
			rapid.SampledFrom([]string{"ann", "ben", "cem"}).Draw(t, "user"), rapid.SampledFrom(append(groups, "")).Draw(t, "account"),
		}
		w.deeds = append(w.deeds, d)
		sent = append(sent, event.Incoming{MessageID: fmt.Sprint("d", i), Type: d.kind, UserID: d.user, GroupID: d.account, Timestamp: d.at})
	}
	for i, group := range groups { // each is known, two by a member
		e := event.Incoming{MessageID: fmt.Sprint("g", i), Type: "$group", GroupID: group, Timestamp: w.now.AddDate(0, -11, 0), Traits: []byte(`{"plan":"x"}`)}
		if i > 0 {
			e.UserID = "nobody"
			w.belonging = append(w.belonging, deed{at: e.Timestamp, account: group})
		}
		sent = append(sent, e)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "traits") {
		s := trait{moment(), rapid.SampledFrom(groups).Draw(t, "account"), float64(rapid.IntRange(-100, 100).Draw(t, "nps"))}
		if slices.ContainsFunc(w.traits, func(o trait) bool { return o.at.Equal(s.at) }) {
			continue // which one holds is told elsewhere
		}
		w.traits = append(w.traits, s)
		sent = append(sent, event.Incoming{
			MessageID: fmt.Sprint("t", i), Type: "$group", GroupID: s.account, Timestamp: s.at, Traits: fmt.Appendf(nil, `{"nps":%v}`, s.nps),
		})
	}
	h.send(t, id, sent...)
	w.drawRevenue(t, h, id, moment)
	w.drawTickets(t, h, id, moment)
}

func (w *world) drawTickets(t *rapid.T, h *house, id tenant.ID, moment func() time.Time) {
	var items []ticket.Item
	for i := range rapid.IntRange(0, 8).Draw(t, "tickets") {
		a := asked{rapid.SampledFrom(groups).Draw(t, "account"), moment(), rapid.Bool().Draw(t, "open"), nil}
		item := ticket.Item{ID: fmt.Sprint(i), GroupID: &a.account, Status: ticket.Solved, OpenedAt: a.at.AddDate(0, 0, -3), UpdatedAt: a.at}
		if a.open {
			item.Status = ticket.Pending
		}
		if rapid.Bool().Draw(t, "rated") {
			rating := rapid.SampledFrom([]ticket.Rating{ticket.Good, ticket.Bad}).Draw(t, "rating")
			a.rating, item.Rating = &rating, &rating
		}
		w.asked, items = append(w.asked, a), append(items, item)
	}
	h.ask(t, id, items...)
}

func (w *world) drawRevenue(t *rapid.T, h *house, id tenant.ID, moment func() time.Time) {
	items := []revenue.Item{{Plan: &revenue.PlanItem{Key: "pro", Amount: 100, Currency: "USD", Interval: revenue.Month}}}
	for _, group := range groups {
		at := moment().Add(-10 * 24 * time.Hour)
		for i := range rapid.IntRange(0, 2).Draw(t, "prices") {
			at = at.Add(time.Duration(i) * 9 * 24 * time.Hour) // too far apart to be merged
			p := price{at, group, int64(rapid.IntRange(1, 9).Draw(t, "amount")) * 100}
			w.prices = append(w.prices, p)
			items = append(items, revenue.Item{Subscription: &revenue.SubscriptionItem{
				ID: "s-" + group, GroupID: group, Plan: "pro", Status: revenue.Active, Amount: &p.amount, OccurredAt: at,
			}})
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "invoices") {
			issued := moment()
			d := due{group, issued.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "terms")) * 24 * time.Hour), rapid.Bool().Draw(t, "open")}
			status := revenue.Paid
			if d.open {
				status = revenue.Unpaid
			}
			w.dues = append(w.dues, d)
			items = append(items, revenue.Item{Invoice: &revenue.InvoiceItem{
				ID: fmt.Sprint(group, i), GroupID: group, Status: status, Currency: "USD", OccurredAt: issued, IssuedAt: issued, DueAt: &d.at,
				Lines: []revenue.LineItem{{Kind: revenue.OneOff, Amount: 100}},
			}})
		}
	}
	h.bill(t, id, items...)
}

func drawInputs(t *rapid.T) []Input {
	inputs := make([]Input, rapid.IntRange(1, 6).Draw(t, "inputs"))
	for i := range inputs {
		in := Input{
			Key: fmt.Sprint("i", i), Name: "x", Kind: rapid.SampledFrom(AllKinds()).Draw(t, "kind"),
			Weight: float64(rapid.IntRange(1, 5).Draw(t, "weight")), Worst: float64(rapid.IntRange(-50, 50).Draw(t, "worst")),
		}
		in.Best = in.Worst + rapid.SampledFrom([]float64{-30, -3, 2, 10, 100}).Draw(t, "way")
		switch in.Kind {
		case Trait:
			in.Trait, in.StaleAfter = "nps", rapid.IntRange(1, 40).Draw(t, "stale after")
		case Events, EventsChange, ActivePeople, Features:
			if in.Kind == Features || rapid.Bool().Draw(t, "typed") {
				in.Types = rapid.SampledFrom([][]string{{"Opened"}, {"Saved", "Shared"}, {"Opened", "Nothing"}}).Draw(t, "types")
			}
			in.Days = rapid.IntRange(1, 20).Draw(t, "days")
		case MRRChange, TicketRating:
			in.Days = rapid.IntRange(1, 20).Draw(t, "days")
		}
		inputs[i] = in
	}
	return inputs
}
