package revenue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// drawState throws one near others, so that changes meet in hours and days.
func drawState(t *rapid.T) State {
	begin := at("2026-03-27")
	moment := func(name string) time.Time {
		return begin.Add(time.Duration(rapid.IntRange(0, 6*24*4).Draw(t, name)) * 15 * time.Minute)
	}
	maybe := func(name string) time.Time {
		if rapid.IntRange(0, 3).Draw(t, name+" given") > 0 {
			return time.Time{}
		}
		return moment(name)
	}
	return State{
		At: moment("at"), Status: rapid.SampledFrom([]Status{Trialing, Active, Active, Active, PastDue, Paused, Canceled}).Draw(t, "status"),
		Plan: rapid.Int64Range(1, 2).Draw(t, "plan"), Currency: rapid.SampledFrom([]string{"EUR", "USD", "JPY"}).Draw(t, "currency"),
		Monthly: rapid.Int64Range(0, 3).Draw(t, "monthly") * 1_050,
		Start:   maybe("start"), TrialStart: maybe("trial start"), TrialEnd: maybe("trial end"),
		PeriodEnd: maybe("period end"), Canceled: maybe("canceled"), End: maybe("end"),
	}
}

func drawCustomer(t *rapid.T, first int64) map[int64][]State {
	subscriptions := map[int64][]State{}
	for id := range rapid.Int64Range(1, 3).Draw(t, "subscriptions") {
		seen := map[time.Time]bool{}
		for range rapid.IntRange(1, 5).Draw(t, "states") {
			if s := drawState(t); !seen[s.At] {
				seen[s.At] = true
				subscriptions[first+id] = append(subscriptions[first+id], s)
			}
		}
	}
	return subscriptions
}

// inForce is how a subscription stands at an instant, in the plainest way: by the state that holds
// then, and the one after it where that reaches back; false where it has not begun, or is over.
func inForce(states []State, rule ChurnRule, when time.Time) (s State, is bool) {
	states = slices.SortedFunc(slices.Values(states), func(a, b State) int { return a.At.Compare(b.At) })
	holds := -1
	for i, s := range states {
		if !s.At.After(when) || i == 0 && !s.begin().After(when) {
			holds = i
		}
	}
	if holds < 0 {
		return s, false
	}
	s = states[holds]
	over := !s.end(rule).IsZero() && !s.end(rule).After(when)
	if holds+1 < len(states) {
		next := states[holds+1].end(rule)
		over = over || !next.IsZero() && next.Before(states[holds+1].At) && !next.After(when)
	}
	return s, !over && !when.Before(s.Start)
}

func inTrial(s State, when time.Time) bool {
	return s.Status == Trialing || when.Before(s.TrialEnd) && !when.Before(s.TrialStart)
}

// standing is what each leaf comes to at an instant.
func standing(subscriptions map[int64][]State, rule ChurnRule, when time.Time) map[Leaf]int64 {
	leaves := map[Leaf]int64{}
	for id, states := range subscriptions {
		if s, is := inForce(states, rule, when); is && !inTrial(s, when) && s.Status != Paused && s.Monthly > 0 {
			leaves[Leaf{id, s.Plan, s.Currency}] = s.Monthly
		}
	}
	return leaves
}

// recount tells the movements of all changes until an instant, each step by itself: instants at
// which something differs, those within the hour put together, and the last of each day kept.
func recount(zone calendar.Zone, rule ChurnRule, subscriptions map[int64][]State, until time.Time) string {
	var changes []time.Time
	was := map[Leaf]int64{}
	for when := at("2026-03-26"); !when.After(until); when = when.Add(15 * time.Minute) {
		now := standing(subscriptions, rule, when)
		if !maps.Equal(was, now) {
			changes = append(changes, when)
		}
		was = now
	}
	var merged []time.Time
	for i := 0; i < len(changes); {
		first := changes[i]
		for i < len(changes) && changes[i].Sub(first) <= time.Hour {
			i++
		}
		merged = append(merged, changes[i-1])
	}
	var lines []string
	before, ever := map[Leaf]int64{}, false
	for i, when := range merged {
		if i+1 < len(merged) && zone.DateOf(merged[i+1]) == zone.DateOf(when) {
			continue
		}
		after := standing(subscriptions, rule, when)
		lines = append(lines, between(when, before, after, ever)...)
		before, ever = after, ever || len(after) > 0
	}
	return strings.Join(lines, "\n")
}

func between(when time.Time, before, after map[Leaf]int64, ever bool) (lines []string) {
	nets, parts := map[string]int64{}, map[string][]string{}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, leaf := range slices.SortedFunc(maps.Keys(all), func(a, b Leaf) int {
		return cmp.Or(cmp.Compare(a.Subscription, b.Subscription), cmp.Compare(a.Plan, b.Plan))
	}) {
		if moved := after[leaf] - before[leaf]; moved != 0 {
			nets[leaf.Currency] += moved
			parts[leaf.Currency] = append(parts[leaf.Currency], fmt.Sprintf("%d/%d:%d", leaf.Subscription, leaf.Plan, moved))
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(nets)) {
		kind := Expansion
		switch {
		case len(before) == 0 && ever:
			kind = Reactivation
		case len(before) == 0:
			kind = New
		case len(after) == 0:
			kind = Churn
		case nets[currency] < 0:
			kind = Contraction
		}
		lines = append(lines, fmt.Sprint(when.Format("01-02T15:04"), " ", kind, " ", nets[currency], " ", currency, " ", parts[currency]))
	}
	return lines
}

func shownAt(list []Movement, when time.Time) string {
	var shown []Movement
	for _, m := range list {
		if !m.Shown.After(when) && (m.Hidden.IsZero() || m.Hidden.After(when)) {
			shown = append(shown, m)
		}
	}
	slices.SortFunc(shown, func(a, b Movement) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Currency, b.Currency)) })
	var lines []string
	for _, m := range shown {
		var parts []string
		for _, p := range m.Parts {
			parts = append(parts, fmt.Sprintf("%d/%d:%d", p.Subscription, p.Plan, p.Amount))
		}
		lines = append(lines, fmt.Sprint(m.At.Format("01-02T15:04"), " ", m.Kind, " ", m.Amount(), " ", m.Currency, " ", parts))
	}
	return strings.Join(lines, "\n")
}

// Any history, whatever the order in which it is told, moves as a plain recount says, at whatever
// instant one looks.
func TestDeriveEqualsARecount(t *testing.T) {
	zones := []calendar.Zone{zone(t, "UTC"), zone(t, "Europe/Berlin"), zone(t, "Asia/Kathmandu"), zone(t, "America/St_Johns")}
	rapid.Check(t, func(t *rapid.T) {
		customer := drawCustomer(t, 1)
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		rule := rapid.SampledFrom([]ChurnRule{AtPeriodEnd, AtCancellation}).Draw(t, "rule")
		list := Derive(zone, rule, customer)
		for id, states := range customer {
			customer[id] = rapid.Permutation(states).Draw(t, "shuffled")
		}
		if again := Derive(zone, rule, customer); fmt.Sprint(again) != fmt.Sprint(list) {
			t.Fatalf("shuffled:\n%v\nwant\n%v", again, list)
		}
		for range 5 {
			when := at("2026-03-26").Add(time.Duration(rapid.IntRange(0, 9*24*4).Draw(t, "looked at")) * 15 * time.Minute)
			if got, want := shownAt(list, when), recount(zone, rule, customer, when); got != want {
				t.Fatalf("in %s at %v:\n%s\nwant\n%s", zone, when, got, want)
			}
		}
	})
}
