package metric_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// long is how many days these histories have: more than two of the longest windows.
const long = 75

// drawLongHistory has people come, go and come back after pauses at which something changes.
func drawLongHistory(t *rapid.T, s stretch) []happened {
	events := drawHistory(t, s)
	pauses := []time.Duration{
		time.Minute, 15 * time.Minute, 30*time.Minute - time.Second, 30 * time.Minute, 31 * time.Minute,
		24 * time.Hour, 6 * 24 * time.Hour, 7 * 24 * time.Hour, 27 * 24 * time.Hour, 28 * 24 * time.Hour, 29 * 24 * time.Hour,
	}
	for i := range events {
		if i > 0 && rapid.IntRange(0, 2).Draw(t, "after another") > 0 {
			at := events[rapid.IntRange(0, i-1).Draw(t, "of")].at.Add(rapid.SampledFrom(pauses).Draw(t, "pause"))
			if at.Before(s.start.AddDate(0, 0, long)) {
				events[i].at = at
				continue
			}
		}
		events[i].at = events[i].at.Add(time.Duration(rapid.IntRange(0, long-9).Draw(t, "day")) * 24 * time.Hour)
	}
	return events
}

// TestUsersEqualARecount is TestEveryPathEqualsARecount for what is told of users over time.
func TestUsersEqualARecount(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(stretches).Draw(t, "stretch")
		id := w.Tenant(t, s.zone)
		all := drawLongHistory(t, s)
		shuffled := slices.Clone(all)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cut := rapid.IntRange(0, len(shuffled)).Draw(t, "late from")

		who := access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}
		compare := func(events []happened) {
			ask := drawLongAsk(t, s)
			w.compareUsers(t, who, ask, history{events, owners(events)})
			w.compareLists(t, who, ask, history{events, owners(events)})
			narrow, see := who, (func(happened) bool)(nil)
			narrow.Rows, see = drawRows(t)
			seen := slices.DeleteFunc(slices.Clone(events), func(e happened) bool { return !see(e) })
			w.compareUsers(t, narrow, ask, history{seen, owners(events)})
			w.compareLists(t, narrow, ask, history{seen, owners(events)})
		}
		w.append(t, id, shuffled[:cut])
		if rapid.Bool().Draw(t, "materialize") {
			w.close(t)
		}
		compare(shuffled[:cut])
		w.append(t, id, append(shuffled[cut:], shuffled[:cut/2]...))
		compare(all)
		if rapid.Bool().Draw(t, "materialize again") {
			w.close(t)
			compare(all)
		}
	})
}

func drawLongAsk(t *rapid.T, s stretch) metric.Ask {
	ask := drawAsk(t, s)
	if ask.Zone == "" && rapid.Bool().Draw(t, "whole days") {
		zone, err := calendar.LoadZone(s.zone)
		if err != nil {
			t.Fatal(err)
		}
		from := zone.StartOf(zone.DateOf(*ask.From))
		to := zone.StartOf(zone.DateOf(*ask.To) + 1)
		ask.From, ask.To = &from, &to
	}
	later := ask.To.Add(time.Duration(rapid.IntRange(0, long).Draw(t, "days more")) * 24 * time.Hour)
	ask.To = &later
	if ask.Interval == calendar.Hour && ask.To.Sub(*ask.From) > 60*24*time.Hour {
		ask.Interval = calendar.Week
	}
	return ask
}

func (w *world) compareUsers(t *rapid.T, who access.Principal, ask metric.Ask, seen history) {
	ctx := access.With(context.Background(), who)
	zone := w.zoneOf(t, ctx, ask)
	defs := metric.NewCatalog(metric.Builtin())
	var questions []*metric.Question
	var keys []string
	for _, d := range defs.List() {
		if !slices.Contains(recounted, d.Key) || d.Key == "sessions" {
			keys = append(keys, d.Key)
			questions = append(questions, &metric.Question{Of: d, Ask: ask}, &metric.Question{Of: d, Ask: ask, Series: true})
		}
	}
	for i, answer := range w.metrics.Answer(ctx, questions) {
		if answer.Err != nil {
			t.Fatalf("%s %+v: %v", keys[i/2], ask, answer.Err)
		}
		key := keys[i/2]
		if answer.Value != nil {
			whole := calendar.Bucket{Start: *ask.From, End: *ask.To}
			want := seen.users(key, zone, ask, whole, wholeBefore(zone, whole))
			if !same(answer.Value.Value, want) || !answer.Value.Exact {
				t.Errorf("%s of %v to %v in %s: %v, want %v", key, ask.From, ask.To, zone, show(answer.Value.Value), want)
			}
			continue
		}
		grid := calendar.Grid{Zone: zone, Interval: ask.Interval, WeekStart: time.Monday}
		for j, start := range answer.Series.At {
			b := calendar.Bucket{Start: later(start, *ask.From), End: *ask.To}
			if j+1 < len(answer.Series.At) {
				b.End = answer.Series.At[j+1]
			}
			before := calendar.Bucket{Start: grid.Add(start, -1), End: start}
			want := seen.users(key, zone, ask, b, before)
			if !same(answer.Series.Values[j], want) || !answer.Series.Exact {
				t.Errorf("%s by %s in %s of %v to %v: %v, want %v (%v)", key, ask.Interval, zone, b.Start, b.End, show(answer.Series.Values[j]), want, answer.Series.SourceNames())
			}
		}
	}
	w.compareAdoption(t, ctx, ask, seen)
}

func (w *world) zoneOf(t *rapid.T, ctx context.Context, ask metric.Ask) calendar.Zone {
	window, err := w.metrics.EventWindow(ctx, metric.EventQuery{Ask: ask})
	if err != nil {
		t.Fatal(err)
	}
	return window.Zone
}

// compareAdoption asks for the share of each type, of the rest, and of a filter.
func (w *world) compareAdoption(t *rapid.T, ctx context.Context, ask metric.Ask, seen history) {
	d, err := metric.NewCatalog(metric.Builtin()).Find("feature_adoption")
	if err != nil {
		t.Fatal(err)
	}
	byType := metric.Dimension{Kind: metric.ByType}
	paid := ask
	paid.Filter = &metric.Filter{Is: &metric.Condition{Dimension: byType, Operator: metric.StartsWith, Values: []any{"Pa"}}}
	top := rapid.IntRange(1, 4).Draw(t, "top")
	answers := w.metrics.Answer(ctx, []*metric.Question{{Of: d, Ask: ask, By: []metric.Dimension{byType}, Top: top}, {Of: d, Ask: paid}})
	for _, a := range answers {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	active := float64(len(seen.active(*ask.From, *ask.To, "Opened", "Shared", "Paid")))
	share := func(types ...string) float64 { return float64(len(seen.active(*ask.From, *ask.To, types...))) / active }
	rest := []string{"Opened", "Shared", "Paid"}
	for _, row := range answers[0].Breakdown.Rows {
		if want := share(*row.Keys[0]); !same(row.Value, want) {
			t.Errorf("adoption of %s: %v, want %v", *row.Keys[0], show(row.Value), want)
		}
		rest = slices.DeleteFunc(rest, func(name string) bool { return name == *row.Keys[0] })
	}
	if r := answers[0].Breakdown.Rest; r != nil && !same(r.Value, share(rest...)) {
		t.Errorf("adoption of the rest: %v, want %v", show(r.Value), share(rest...))
	}
	if got := answers[1].Value.Value; !same(got, share("Paid")) {
		t.Errorf("adoption of what begins with Pa: %v, want %v", show(got), share("Paid"))
	}
}

// users is the plain count of what is told of users over time; NaN is no value.
func (h history) users(key string, zone calendar.Zone, ask metric.Ask, b, before calendar.Bucket) float64 {
	now, then := h.active(b.Start, b.End), h.active(before.Start, before.End)
	both := 0
	for who := range now {
		if then[who] {
			both++
		}
	}
	last := zone.DateOf(b.End.Add(-1))
	end := zone.StartOf(last + 1)
	if ask.To.Before(end) {
		end = *ask.To
	}
	trailing := func(days calendar.Date) float64 { return float64(len(h.active(zone.StartOf(last-days+1), end))) }
	switch key {
	case "sessions":
		return float64(h.sessions(b.Start, b.End))
	case "daily_active_users":
		return trailing(1)
	case "weekly_active_users":
		return trailing(7)
	case "monthly_active_users":
		return trailing(28)
	case "stickiness":
		return trailing(1) / trailing(28)
	case "returning_users":
		return float64(both)
	case "dormant_users":
		return float64(len(then) - both)
	case "resurrecting_users":
		return float64(h.back(now, then, b.Start))
	case "feature_adoption":
		return float64(len(now)) / float64(len(now))
	}
	panic("nobody recounts " + key)
}

// back counts who is there now, was not in the stretch before, and was there earlier.
func (h history) back(now, then map[string]bool, start time.Time) (n int) {
	earlier := h.active(time.Time{}, start)
	for who := range now {
		if !then[who] && earlier[who] {
			n++
		}
	}
	return n
}

// active is who did something in a stretch of time: anything, or something of some types.
func (h history) active(from, to time.Time, types ...string) map[string]bool {
	who := map[string]bool{}
	for _, e := range h.events {
		if e.isActivity() && !e.at.Before(from) && e.at.Before(to) && (types == nil || slices.Contains(types, e.kind)) {
			who[doer(e, h.owner)] = true
		}
	}
	delete(who, "")
	return who
}

// sessions counts those who start in a stretch of time, each person's events in order.
func (h history) sessions(from, to time.Time) (n int) {
	of := map[string][]time.Time{}
	for _, e := range h.events {
		if who := doer(e, h.owner); e.isActivity() && who != "" {
			of[who] = append(of[who], e.at)
		}
	}
	for _, ats := range of {
		slices.SortFunc(ats, time.Time.Compare)
		for i, at := range ats {
			goesOn := i > 0 && at.Sub(ats[i-1]) < 30*time.Minute
			if !goesOn && !at.Before(from) && at.Before(to) {
				n++
			}
		}
	}
	return n
}

// wholeBefore is the time of the same length before a range: in months, in days, or by the
// clock.
func wholeBefore(zone calendar.Zone, b calendar.Bucket) calendar.Bucket {
	from, to := zone.DateOf(b.Start), zone.DateOf(b.End)
	if !zone.StartOf(from).Equal(b.Start) || !zone.StartOf(to).Equal(b.End) {
		return calendar.Bucket{Start: b.Start.Add(b.Start.Sub(b.End)), End: b.Start}
	}
	year, month, first := from.Civil()
	toYear, toMonth, end := to.Civil()
	if first == 1 && end == 1 {
		months := (toYear-year)*12 + int(toMonth-month)
		return calendar.Bucket{Start: zone.StartOf(calendar.NewDate(year, month-time.Month(months), 1)), End: b.Start}
	}
	return calendar.Bucket{Start: zone.StartOf(from - (to - from)), End: b.Start}
}

// same compares a figure with what it should be.
func same(got *float64, want float64) bool {
	if got == nil || math.IsNaN(want) {
		return got == nil && math.IsNaN(want)
	}
	return *got == want
}

func show(v *float64) any {
	if v == nil {
		return "null"
	}
	return *v
}
