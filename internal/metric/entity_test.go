package metric_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

type listing testkit.Listing

// listed asks a question with what its figures are made of: whole, and a page of it. It holds
// each list against its figure, and the page against the whole.
func (w *world) listed(t *rapid.T, ctx context.Context, q metric.Question, hidden bool) [][]int64 {
	ask := func(asks ...metric.ListAsk) metric.Answer {
		q.Lists = asks
		answer := w.metrics.Answer(ctx, []*metric.Question{&q})[0]
		if answer.Err != nil {
			t.Fatalf("lists of %s: %v", q.Of.Key, answer.Err)
		}
		return answer
	}
	all, bucket := testkit.AllEntities, 0
	if q.Series {
		at := ask().Series.At
		bucket = rapid.IntRange(0, len(at)-1).Draw(t, "bucket")
		all.At = at[bucket]
	}
	whole := testkit.Listings(ask(all), bucket)
	ids := make([][]int64, len(whole))
	known := []int64{0}
	for i, cell := range whole {
		ids[i] = listing(cell).check(t, q, all, hidden)
		known = append(known, ids[i]...)
	}
	part := all
	part.First, part.After = rapid.IntRange(1, 3).Draw(t, "first"), rapid.SampledFrom(known).Draw(t, "after")
	for i, cell := range testkit.Listings(ask(all, part), bucket) {
		listing(cell).checkPage(t, q, part, ids[i])
	}
	return ids
}

// check holds a whole list against the figure; hidden: some may be counted, and not be shown.
func (c listing) check(t *rapid.T, q metric.Question, ask metric.ListAsk, hidden bool) (ids []int64) {
	l, want := c.Lists[ask], 0.0
	if c.Value != nil {
		want = *c.Value
	}
	if float64(l.Total) != want || l.Sum != want || l.More || !hidden && len(l.Entities) != l.Total || len(l.Entities) > l.Total {
		t.Errorf("%s of %s, which is %v, lists %d and gives %d, of %v, more %t", c.What, q.Of.Key, show(c.Value), l.Total, len(l.Entities), l.Sum, l.More)
	}
	for _, e := range l.Entities {
		if ids = append(ids, e.ID); e.Amount != 1 {
			t.Errorf("%s of %s: %d counts %v", c.What, q.Of.Key, e.ID, e.Amount)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("%s of %s lists %v, want each once and in order", c.What, q.Of.Key, ids)
	}
	return ids
}

func (c listing) checkPage(t *rapid.T, q metric.Question, ask metric.ListAsk, ids []int64) {
	rest := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id <= ask.After })
	var got []int64
	for _, e := range c.Lists[ask].Entities {
		got = append(got, e.ID)
	}
	if l := c.Lists[ask]; !slices.Equal(got, rest[:min(ask.First, len(rest))]) || l.More != (len(rest) > ask.First) || l.Total < len(ids) {
		t.Errorf("%s of %s: the page of %d after %d is %v of %d, more %t; want it of %v", c.What, q.Of.Key, ask.First, ask.After, got, l.Total, l.More, ids)
	}
}

// names are what each person of a tenant is called, as doer has it.
func (w *world) names(t *rapid.T, id tenant.ID) map[int64][]string {
	rows, err := w.Owner.Query(context.Background(),
		`select person_id, case when anonymous then 'device ' else '' end || distinct_id from identity where tenant_id = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int64][]string{}
	for rows.Next() {
		var person int64
		var name string
		if err := rows.Scan(&person, &name); err != nil {
			t.Fatal(err)
		}
		names[person] = append(names[person], name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// compareLists holds whom each metric of users lists against a plain account of who they are.
func (w *world) compareLists(t *rapid.T, who access.Principal, ask metric.Ask, seen history) {
	ctx := access.With(context.Background(), who)
	zone, names := w.zoneOf(t, ctx, ask), w.names(t, who.Tenant)
	d := rapid.SampledFrom(ofPeople()).Draw(t, "listed")
	whole := calendar.Bucket{Start: *ask.From, End: *ask.To}
	got := w.listed(t, ctx, metric.Question{Of: d, Ask: ask}, false)[0]
	want := seen.whom(d.Key, zone, ask, whole, wholeBefore(zone, whole))
	for _, id := range got {
		if !slices.ContainsFunc(names[id], func(name string) bool { return want[name] }) {
			t.Errorf("%s of %v to %v lists %v, want one of %v", d.Key, ask.From, ask.To, names[id], want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s of %v to %v lists %d, want %v", d.Key, ask.From, ask.To, len(got), want)
	}
	w.listed(t, ctx, metric.Question{Of: d, Ask: ask, Series: true}, false)
}

// ofPeople are the metrics whose figures are numbers of people.
func ofPeople() []*metric.Definition {
	return slices.DeleteFunc(metric.Builtin(), func(d *metric.Definition) bool { return d.Unit != metric.UnitUsers })
}

// whom tells who a figure of users is made of.
func (h history) whom(key string, zone calendar.Zone, ask metric.Ask, b, before calendar.Bucket) map[string]bool {
	now, then := h.active(b.Start, b.End), h.active(before.Start, before.End)
	some := func(of map[string]bool, is func(who string) bool) map[string]bool {
		found := map[string]bool{}
		for who := range of {
			if is(who) {
				found[who] = true
			}
		}
		return found
	}
	isNew := func(who string) bool { return !h.active(earliestOfAll, b.Start)[who] }
	switch key {
	case "active_users":
		return now
	case "new_users":
		return some(now, isNew)
	case "returning_users":
		return some(now, func(who string) bool { return then[who] })
	case "dormant_users":
		return some(then, func(who string) bool { return !now[who] })
	case "resurrecting_users":
		return some(now, func(who string) bool { return !then[who] && !isNew(who) })
	}
	last := zone.DateOf(b.End.Add(-1))
	end := zone.StartOf(last + 1)
	if ask.To.Before(end) {
		end = *ask.To
	}
	days := map[string]calendar.Date{"daily_active_users": 1, "weekly_active_users": 7, "monthly_active_users": 28}[key]
	return h.active(zone.StartOf(last-days+1), end)
}

var earliestOfAll = day(1, 1, 0).AddDate(-20, 0, 0)

// Each metric of users says whom it counts, and no other metric says that it could.
func TestWhatIsNoNumberOfPeopleListsNobody(t *testing.T) {
	w := newWorld(t)
	id, stranger := w.Tenant(t, "UTC"), w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 1, 9), day(3, 2, 9), day(3, 4, 9))
	w.did(t, id, "ben", "Opened", day(2, 1, 9), day(3, 3, 9))
	want := map[string]int{
		"active_users": 1, "new_users": 0, "daily_active_users": 1, "weekly_active_users": 2, "monthly_active_users": 2,
		"returning_users": 0, "resurrecting_users": 1, "dormant_users": 1,
	}
	for _, d := range metric.Builtin() {
		for tenant, n := range map[tenant.ID]int{id: want[d.Key], stranger: 0} {
			ctx := access.With(t.Context(), access.Principal{Tenant: tenant, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
			q := metric.Question{Of: d, Ask: between(day(3, 4, 0), day(3, 5, 0), ""), Lists: []metric.ListAsk{testkit.AllEntities}}
			answer := w.metrics.Answer(ctx, []*metric.Question{&q})[0]
			switch _, lists := want[d.Key]; {
			case (answer.Err == nil) != lists:
				t.Errorf("%s: %v", d.Key, answer.Err)
			case lists && len(answer.Value.Lists[testkit.AllEntities].Entities) != n:
				t.Errorf("%s lists %d, want %d", d.Key, len(answer.Value.Lists[testkit.AllEntities].Entities), n)
			}
		}
	}
}

// A bucket that has not begun is made of nobody.
func TestNobodyIsListedAhead(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 1, 9))
	ahead := testkit.AllEntities
	ahead.At = day(1, 1, 0).AddDate(60, 0, 0)
	ask := between(day(1, 1, 0), day(1, 1, 0).AddDate(61, 0, 0), calendar.Year)
	for _, key := range []string{"monthly_active_users", "active_users"} {
		series := w.tells(t, id, metric.Question{Ask: ask, Series: true, Lists: []metric.ListAsk{ahead}}, key).Series
		if l := series.Lists[ahead]; l.Total != 0 || len(l.Entities) != 0 {
			t.Errorf("%s lists %d", key, l.Total)
		}
	}
}
