package scenario_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everything asks for every field that a question can have (TestEveryFieldIsAsked).
const everything = `
query ($range: RangeInput!, $zone: TimeZone!, $interval: Interval!, $weekStart: Weekday!, $types: [String!]) {
	tenant { id name zone weekStart createdAt }
	events: metric(key: "events") { ...figures }
	active: metric(key: "active_users") { ...figures }
	fresh: metric(key: "new_users") { ...figures }
	list: events(range: $range, zone: $zone, types: $types) {
		count
		byType(first: 2) { types counts totalCount }
		timeline(interval: $interval, weekStart: $weekStart) { at counts complete interval }
		list(first: 500) {
			edges { cursor node { id } }
			nodes { id type occurredAt receivedAt messageId userId anonymousId properties context }
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
			totalCount
		}
		range { from to } zone asOf watermark exact
	}
}
fragment figures on Metric {
	id key name description unit additive
	value(range: $range, zone: $zone) { value range { from to } zone complete asOf watermark exact }
	series(range: $range, interval: $interval, zone: $zone, weekStart: $weekStart) {
		at values complete range { from to } interval zone asOf watermark exact
	}
}`

type span struct{ From, To time.Time }

type provenance struct {
	Range           span
	Zone            string
	AsOf, Watermark time.Time
	Exact           bool
}

type metricAnswer struct {
	ID, Key, Name, Description, Unit string
	Additive                         bool
	Value                            struct {
		provenance
		Value    *float64
		Complete bool
	}
	Series struct {
		provenance
		At       []time.Time
		Values   []*float64
		Complete []bool
		Interval string
	}
}

type eventsAnswer struct {
	provenance
	Count  int
	ByType struct {
		Types      []string
		Counts     []int
		TotalCount int
	}
	Timeline struct {
		At       []time.Time
		Counts   []int
		Complete []bool
		Interval string
	}
	List eventPage
}

type everythingAnswer struct {
	Tenant                struct{ ID, Name, Zone, WeekStart, CreatedAt string }
	Events, Active, Fresh metricAnswer
	List                  eventsAnswer
}

func (f figures) ask(t *testing.T, s story, types []string) (answer everythingAnswer) {
	t.Helper()
	variables := map[string]any{
		"range": map[string]string{"from": f.from, "to": f.to}, "zone": f.zone,
		"interval": f.interval, "weekStart": f.weekStart,
	}
	if types != nil {
		variables["types"] = types
	}
	s.acme.Query(t, everything, variables, &answer)
	return answer
}

func (f figures) check(t *testing.T, s story) {
	t.Helper()
	got := f.ask(t, s, nil)
	f.checkMetric(t, got.Events, f.events, sum(f.events))
	f.checkMetric(t, got.Active, f.active, f.activeInAll)
	f.checkMetric(t, got.Fresh, f.fresh, sum(f.fresh))
	f.checkProvenance(t, got.List.provenance)
	wantEqual(t, "count", got.List.Count, sum(f.events))
	wantEqual(t, "length of the list", len(got.List.List.Nodes), sum(f.events))
	wantEqual(t, "totalCount", got.List.List.TotalCount, sum(f.events))
	wantEqual(t, "timeline", got.List.Timeline.Counts, f.events)
	wantEqual(t, "timeline's buckets", got.List.Timeline.At, f.starts(t))
	wantEqual(t, "timeline's interval", got.List.Timeline.Interval, f.interval)
	wantEqual(t, "timeline's flags", got.List.Timeline.Complete, repeat(true, len(f.at)))
	f.checkOneType(t, s, got)
}

// checkOneType asks again for the events of one type, which must be those of the list.
func (f figures) checkOneType(t *testing.T, s story, all everythingAnswer) {
	t.Helper()
	byHand := map[string]int{}
	for _, node := range all.List.List.Nodes {
		byHand[node.Type]++
	}
	wantEqual(t, "distinct types", all.List.ByType.TotalCount, len(byHand))
	for i, name := range all.List.ByType.Types {
		wantEqual(t, "events of "+name, all.List.ByType.Counts[i], byHand[name])
	}
	one := f.ask(t, s, []string{"Buy", "Never"}).List
	wantEqual(t, "Buys", []int{one.Count, sum(one.Timeline.Counts), len(one.List.Nodes), one.List.TotalCount},
		[]int{byHand["Buy"], byHand["Buy"], byHand["Buy"], byHand["Buy"]})
	if none := f.ask(t, s, []string{}).List; none.Count+sum(none.Timeline.Counts)+len(none.List.Nodes)+len(none.ByType.Types) != 0 {
		t.Errorf("of no types there are %+v", none)
	}
}

func (f figures) checkMetric(t *testing.T, m metricAnswer, want []int, total int) {
	t.Helper()
	f.checkProvenance(t, m.Value.provenance)
	f.checkProvenance(t, m.Series.provenance)
	wantEqual(t, m.Key+" in all", *m.Value.Value, float64(total))
	wantEqual(t, m.Key+" in all is complete", m.Value.Complete, true)
	wantEqual(t, m.Key+"'s buckets", m.Series.At, f.starts(t))
	wantEqual(t, m.Key+"'s flags", m.Series.Complete, repeat(true, len(f.at)))
	wantEqual(t, m.Key+"'s interval", m.Series.Interval, f.interval)
	values := make([]int, len(m.Series.Values))
	for i, v := range m.Series.Values {
		values[i] = int(*v)
	}
	wantEqual(t, m.Key, values, want)
}

func (f figures) checkProvenance(t *testing.T, p provenance) {
	t.Helper()
	want := provenance{Range: span{at(t, f.from), at(t, f.to)}, Zone: f.zone, AsOf: p.AsOf, Watermark: p.AsOf, Exact: true}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("provenance (-want +got):\n%s", diff)
	}
	if age := time.Since(p.AsOf); age < -time.Minute || age > time.Minute {
		t.Errorf("the watermark is %s old", age)
	}
}

func (f figures) starts(t *testing.T) (starts []time.Time) {
	t.Helper()
	for _, text := range f.at {
		starts = append(starts, at(t, text))
	}
	return starts
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

func repeat(value bool, n int) []bool {
	values := make([]bool, n)
	for i := range values {
		values[i] = value
	}
	return values
}
