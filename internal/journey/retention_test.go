package journey

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/history"
)

// asked is a retention in the plain words of the tests.
type asked struct {
	start    Start
	ret      Return
	rolling  bool
	interval calendar.Interval
	zone     string
	from, to time.Time
	spans    []Span
	starts   []string // of which FIRST_EVER has the first ever among `ever`
	ever     []string
	returns  []string
}

func (a asked) grid(t testing.TB) calendar.Grid {
	t.Helper()
	zone, err := calendar.LoadZone(a.zone)
	if err != nil {
		t.Fatal(err)
	}
	return calendar.Grid{Zone: zone, Interval: a.interval, WeekStart: time.Monday}
}

var rollingStep = map[calendar.Interval]time.Duration{calendar.Day: 24 * time.Hour, calendar.Week: 7 * 24 * time.Hour, calendar.Month: 30 * 24 * time.Hour}

// tellPlainly counts by the words of the definition: for each cohort, for each unit, for each
// column, whether there is such an event.
func (a asked) tellPlainly(t testing.TB, people [][]deed) Retained {
	t.Helper()
	grid := a.grid(t)
	cohorts, err := grid.Buckets(a.from, a.to, 1000)
	if err != nil {
		t.Fatal(err)
	}
	r := Retained{Sizes: make([]int, len(cohorts)), Returned: make([][]int, len(cohorts))}
	for c, cohort := range cohorts {
		r.Returned[c] = make([]int, len(a.spans))
		for _, deeds := range people {
			start, joins := a.startIn(inOrder(deeds), cohort)
			if !joins {
				continue
			}
			r.Sizes[c]++
			for i, span := range a.spans {
				if span.From == 0 || slices.ContainsFunc(deeds, func(d deed) bool {
					return slices.Contains(a.returns, d.kind) && a.within(grid, cohort, start, time.UnixMicro(d.at), span)
				}) {
					r.Returned[c][i]++
				}
			}
		}
	}
	return r
}

// startIn is when a unit joins a cohort.
func (a asked) startIn(deeds []deed, cohort calendar.Bucket) (at time.Time, joins bool) {
	matching := slices.DeleteFunc(slices.Clone(deeds), func(d deed) bool { return !slices.Contains(a.starts, d.kind) })
	switch a.start {
	case FirstEver:
		deeds = slices.DeleteFunc(slices.Clone(deeds), func(d deed) bool { return !slices.Contains(a.ever, d.kind) })
		if len(deeds) == 0 || !slices.Contains(a.starts, deeds[0].kind) {
			return at, false
		}
		matching = deeds[:1]
	case FirstMatching:
		matching = matching[:min(1, len(matching))]
	case Recurring:
	}
	for _, d := range matching {
		at := time.UnixMicro(d.at)
		if !at.Before(a.from) && at.Before(a.to) && !at.Before(cohort.Start) && at.Before(cohort.End) {
			return at, true
		}
	}
	return at, false
}

// within reports whether an instant lies in a span of buckets after a start; or later.
func (a asked) within(grid calendar.Grid, cohort calendar.Bucket, start, at time.Time, span Span) bool {
	from, to := grid.Add(cohort.Start, span.From), grid.Add(cohort.Start, span.To+1)
	if a.rolling {
		step := rollingStep[a.interval]
		from, to = start.Add(time.Duration(span.From)*step), start.Add(time.Duration(span.To+1)*step)
	}
	return !at.Before(from) && (a.ret == OnOrAfter || at.Before(to))
}

// tell is what the retention itself finds.
func (a asked) tell(t testing.TB, c *history.Columns, unit history.Unit) Retained {
	t.Helper()
	grid := a.grid(t)
	cohorts, err := grid.Buckets(a.from, a.to, 1000)
	if err != nil {
		t.Fatal(err)
	}
	after, err := grid.Buckets(cohorts[len(cohorts)-1].End, cohorts[len(cohorts)-1].End.AddDate(1, 0, 0), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	r := &Retention{
		Start: a.start, Return: a.ret, Rolling: a.rolling, Cohorts: cohorts, After: after, Columns: a.spans,
		From: a.from.UnixMicro(), To: a.to.UnixMicro(), Step: rollingStep[a.interval].Microseconds(),
		Starts: typed(c, a.starts...), Ever: typed(c, a.ever...), Returns: typed(c, a.returns...),
	}
	all, err := r.Run(t.Context(), c, unit)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return *newRetained(len(cohorts), len(a.spans))
	}
	return *all[Key{}]
}

func spansTo(n int) (spans []Span) {
	for i := range n {
		spans = append(spans, Span{i, i})
	}
	return spans
}

func TestRetentionAgreesWithThePlainWords(t *testing.T) {
	zones := []string{"UTC", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"}
	base := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		a := asked{
			start:    rapid.SampledFrom([]Start{FirstEver, FirstMatching, Recurring}).Draw(rt, "start"),
			ret:      rapid.SampledFrom([]Return{On, OnOrAfter, Bracket}).Draw(rt, "return"),
			rolling:  rapid.Bool().Draw(rt, "rolling"),
			interval: rapid.SampledFrom([]calendar.Interval{calendar.Day, calendar.Week, calendar.Month}).Draw(rt, "interval"),
			zone:     rapid.SampledFrom(zones).Draw(rt, "zone"),
			from:     base.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "from")) * 33 * time.Minute),
			starts:   rapid.SampledFrom([][]string{{"a"}, {"a", "b"}}).Draw(rt, "starts"),
			ever:     []string{"a", "b"},
			returns:  rapid.SampledFrom([][]string{{"a"}, {"b", "c"}}).Draw(rt, "returns"),
			spans:    spansTo(6),
		}
		a.to = a.from.Add(time.Duration(rapid.IntRange(1, 800).Draw(rt, "length")) * time.Hour)
		if a.ret == Bracket {
			a.spans = []Span{{0, 0}, {1, 2}, {2, 6}, {3, 70}}
		}
		id := int64(0)
		one := rapid.Custom(func(rt *rapid.T) deed {
			id++
			// Mostly in days that are near, and often on the hour: buckets begin there.
			at := base.Add(time.Duration(rapid.IntRange(0, 24*60).Draw(rt, "hour")) * time.Hour)
			return deed{at.Add(time.Duration(rapid.IntRange(0, 1).Draw(rt, "off")) * 15 * time.Minute).UnixMicro(), id, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "kind")}
		})
		people := rapid.SliceOfN(rapid.SliceOfN(one, 0, 12), 1, 6).Draw(rt, "people")
		c := columnsOf(people...)
		if got, want := fmt.Sprint(a.tell(t, c, history.Persons)), fmt.Sprint(a.tellPlainly(t, people)); got != want {
			rt.Fatalf("%+v: got %s, want %s", a, got, want)
		}
		accounts := make([][]deed, 2)
		for _, deeds := range people {
			for i, d := range deeds {
				if account := i % 3; account > 0 {
					accounts[account-1] = append(accounts[account-1], d)
				}
			}
		}
		if got, want := fmt.Sprint(a.tell(t, c, history.Accounts)), fmt.Sprint(a.tellPlainly(t, accounts)); got != want {
			rt.Fatalf("%+v of accounts: got %s, want %s", a, got, want)
		}
	})
}

// The example of the definition: three units that return on day 1, on day 5, never.
func TestRetentionByTheExample(t *testing.T) {
	day := func(n int) int64 { return time.Date(2026, 5, 1+n, 12, 0, 0, 0, time.UTC).UnixMicro() }
	people := [][]deed{{{day(0), 1, "a"}, {day(1), 2, "a"}}, {{day(0), 3, "a"}, {day(5), 4, "a"}}, {{day(0), 5, "a"}}}
	for _, rolling := range []bool{false, true} {
		for ret, want := range map[Return][]int{On: {3, 1, 0, 0, 0, 1, 0}, OnOrAfter: {3, 2, 1, 1, 1, 1, 0}} {
			a := asked{
				start: FirstEver, ret: ret, rolling: rolling, interval: calendar.Day, zone: "UTC",
				from: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), to: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
				spans: spansTo(7), starts: []string{"a"}, ever: []string{"a"}, returns: []string{"a"},
			}
			got := a.tell(t, columnsOf(people...), history.Persons)
			if got.Sizes[0] != 3 || !slices.Equal(got.Returned[0], want) {
				t.Errorf("%s, rolling %v: got %+v, want %v", ret, rolling, got, want)
			}
		}
		a := asked{
			start: FirstEver, ret: Bracket, rolling: rolling, interval: calendar.Day, zone: "UTC",
			from: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), to: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
			spans: []Span{{2, 6}}, starts: []string{"a"}, ever: []string{"a"}, returns: []string{"a"},
		}
		if got := a.tell(t, columnsOf(people...), history.Persons); got.Returned[0][0] != 1 {
			t.Errorf("days 2-6, rolling %v: got %+v, want 1", rolling, got)
		}
	}
}
