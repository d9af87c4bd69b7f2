package scenario_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// onDay writes an event of May 2026 in UTC.
func onDay(id, name, user string, day float64, properties string) string {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(day * 24 * float64(time.Hour)))
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"userId":%q,"timestamp":%q,"properties":{%s},"context":{"groupId":"acc-%s"}}`,
		id, name, user, at.Format(time.RFC3339), properties, user)
}

// threeUnits are those of the definition: they return on day 1, on day 5, never.
var threeUnits = []string{
	onDay("r1", "Open", "ann", 0, `"plan":"pro"`), onDay("r2", "Open", "ann", 1, ""),
	onDay("r3", "Open", "ben", 0, `"plan":"free"`), onDay("r4", "Open", "ben", 5, ""),
	onDay("r5", "Open", "cat", 0, `"plan":"free"`),
}

const retentionOfMay = `
query ($weight: RetentionWeight! = UNITS, $returns: RetentionReturn!, $mode: RetentionMode!, $spans: [RetentionSpanInput!], $unit: JourneyUnit!, $by: [DimensionInput!], $start: EventMatchInput!) {
	retention(
		startEvent: $start, start: FIRST_EVER, returns: $returns, mode: $mode, interval: DAY, periods: 7, spans: $spans, unit: $unit, weight: $weight, by: $by, top: 1
		range: { from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z" }, zone: "UTC", weekStart: MONDAY
	) {
		at columns { from to } sizes returned currency rates complete average groupCount
		groups { ...group } rest { ...group }
		range { from to } interval zone asOf watermark exact
	}
}
fragment group on RetentionGroup { keys sizes returned rates average }`

type retentionAnswer struct {
	Retention struct {
		Sizes    []int
		Returned [][]int
		Rates    [][]*float64
		Complete [][]bool
		Average  []*float64
		Groups   []struct {
			Keys     []*string
			Returned [][]int
		}
		Rest *struct {
			Keys     []*string
			Returned [][]int
		}
		GroupCount int
		Exact      bool
	}
}

func asking(returns, mode string) map[string]any {
	return map[string]any{"returns": returns, "mode": mode, "unit": "USER", "start": map[string]any{"types": []string{"Open"}}}
}

// The example of the definition, to the digit, through the server.
func TestRetentionIsToldByTheDefinition(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, threeUnits...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	for _, unit := range []string{"USER", "ACCOUNT"} {
		for _, mode := range []string{"CALENDAR", "ROLLING"} {
			for returns, want := range map[string]string{"ON": "[[3 1 0 0 0 1 0]]", "ON_OR_AFTER": "[[3 2 1 1 1 1 0]]"} {
				var got retentionAnswer
				ask := asking(returns, mode)
				ask["unit"] = unit
				s.acme.Query(t, retentionOfMay, ask, &got)
				wantEqual(t, unit+" "+mode+" "+returns, fmt.Sprint(got.Retention.Returned), want)
				wantEqual(t, "sizes", fmt.Sprint(got.Retention.Sizes), "[3]")
				wantEqual(t, "a third", *got.Retention.Rates[0][5], 1.0/3)
				wantEqual(t, "the average of one cohort", *got.Retention.Average[5], 1.0/3)
				wantEqual(t, "complete", got.Retention.Complete[0][6], true)
				wantEqual(t, "exact", got.Retention.Exact, true)
			}
		}
	}
	var bracket retentionAnswer
	ask := asking("BRACKET", "CALENDAR")
	ask["spans"] = []map[string]int{{"from": 2, "to": 6}}
	s.acme.Query(t, retentionOfMay, ask, &bracket)
	wantEqual(t, "days 2 to 6", fmt.Sprint(bracket.Retention.Returned), "[[3 1]]")

	var none retentionAnswer
	s.globex.Query(t, retentionOfMay, asking("ON", "CALENDAR"), &none)
	wantEqual(t, "of a stranger", fmt.Sprint(none.Retention.Sizes), "[0]")
}

// A breakdown takes its value from the event that they start with; filters mean what they mean
// in metrics.
func TestRetentionIsToldApart(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, threeUnits...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	var got retentionAnswer
	ask := asking("ON", "CALENDAR")
	ask["by"] = []map[string]string{{"kind": "PROPERTY", "name": "plan"}}
	s.acme.Query(t, retentionOfMay, ask, &got)
	wantEqual(t, "groups", got.Retention.GroupCount, 2)
	wantEqual(t, "the largest", *got.Retention.Groups[0].Keys[0], "free")
	wantEqual(t, "its figures", fmt.Sprint(got.Retention.Groups[0].Returned), "[[2 0 0 0 0 1 0]]")
	wantEqual(t, "the rest", fmt.Sprint(got.Retention.Rest.Returned), "[[1 1 0 0 0 0 0]]")

	plan := func(operator string, values ...string) map[string]any {
		filter := map[string]any{"dimension": map[string]string{"kind": "PROPERTY", "name": "plan"}, "operator": operator}
		if values != nil {
			filter["values"] = values
		}
		ask := asking("ON", "CALENDAR")
		ask["start"] = map[string]any{"types": []string{"Open"}, "filter": filter}
		return ask
	}
	for _, test := range []struct {
		ask  map[string]any
		want string
	}{
		{plan("EQUALS", "pro"), "[1]"}, {plan("NOT_EQUALS", "pro"), "[2]"}, {plan("CONTAINS", "RE"), "[2]"}, {plan("IS_NOT_SET"), "[0]"}, {plan("IS_SET"), "[3]"},
	} {
		var got retentionAnswer
		s.acme.Query(t, retentionOfMay, test.ask, &got)
		wantEqual(t, fmt.Sprint(test.ask["start"]), fmt.Sprint(got.Retention.Sizes), test.want)
	}
	// What comes later, and late, is there in the next answer: of a property that is known already too.
	wantVerdicts(t, s.acme.Batch(t, onDay("r6", "Open", "dan", 0, `"plan":"pro"`)), "ACCEPTED")
	var more retentionAnswer
	s.acme.Query(t, retentionOfMay, plan("EQUALS", "pro"), &more)
	wantEqual(t, "with who came late", fmt.Sprint(more.Retention.Sizes), "[2]")

	for field, wrong := range map[string]map[string]any{
		"spans":                            {"spans": []map[string]int{{"from": 1, "to": 2}}},
		"by[0].kind":                       {"by": []map[string]string{{"kind": "PLAN"}}},
		"startEvent.filter.dimension.name": {"start": plan("IS_SET")["start"]},
		"startEvent.types[0]":              {"start": map[string]any{"types": []string{""}}},
	} {
		ask := asking("ON", "CALENDAR")
		for name, value := range wrong {
			ask[name] = value
		}
		if field == "startEvent.filter.dimension.name" {
			ask["start"] = map[string]any{"filter": map[string]any{"dimension": map[string]string{"kind": "PROPERTY"}, "operator": "IS_SET"}}
		}
		refused := s.kit.Ask(t, s.acme.ReadKey, retentionOfMay, ask)
		if len(refused.Errors) != 1 || refused.Errors[0].Extensions.Field != field {
			t.Errorf("%s: got %+v", field, refused.Errors)
		}
	}
}

const funnelOfMay = `
query ($order: FunnelOrder!, $exclusions: [FunnelExclusionInput!], $by: [DimensionInput!], $touch: FunnelTouch!, $step: Int) {
	funnel(
		steps: [{ types: ["Visit"] }, { types: ["Try"] }, { types: ["Buy"] }]
		order: $order, within: { days: 2 }, exclusions: $exclusions, by: $by, attribution: $touch, attributionStep: $step, top: 1
		interval: DAY, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-03T00:00:00Z" }, zone: "UTC"
		compare: [{ kind: RANGE, from: "2026-05-03T00:00:00Z", to: "2026-05-05T00:00:00Z" }]
	) {
		steps {
			...step
			converted(first: 1) { ...whom }
			dropped { ...whom }
		}
		open groupCount
		timeToConvert { median lowerQuartile upperQuartile histogramUpTo histogramCounts }
		groups { keys open steps { ...step } timeToConvert { median } } rest { keys steps { count } }
		trend { at entered converted rates complete }
		comparisons { kind range { from to } steps { count } }
		range { from to } zone asOf watermark exact
	}
}
fragment step on FunnelStep { number count conversion conversionFromPrevious timeFromPrevious { median } }
fragment whom on MetricEntityConnection { kind totalCount nodes { ... on Person { id userIds } } pageInfo { hasNextPage } }`

type funnelAnswer struct {
	Funnel struct {
		Steps []struct {
			Number, Count          int
			Conversion             *float64
			ConversionFromPrevious *float64
			TimeFromPrevious       *struct{ Median float64 }
			Converted, Dropped     whom
		}
		Open          int
		GroupCount    int
		TimeToConvert *struct{ Median float64 }
		Groups        []struct {
			Keys  []*string
			Steps []struct{ Count int }
		}
		Trend struct {
			Entered, Converted []int
			Complete           []bool
		}
		Comparisons []struct{ Steps []struct{ Count int } }
	}
}

func (f funnelAnswer) counts() string {
	var counts []int
	for _, s := range f.Funnel.Steps {
		counts = append(counts, s.Count)
	}
	return fmt.Sprint(counts)
}

// shoppers come all the way, half the way, too late, and in another order.
var shoppers = []string{
	onDay("f1", "Visit", "ann", 0, `"from":"ad"`), onDay("f2", "Try", "ann", 0.5, `"from":"mail"`), onDay("f3", "Buy", "ann", 1, ""),
	onDay("f4", "Visit", "ben", 0, `"from":"ad"`), onDay("f5", "Chat", "ben", 0.2, ""), onDay("f6", "Try", "ben", 1, ""),
	onDay("f7", "Visit", "cat", 1, ""), onDay("f8", "Try", "cat", 2, ""), onDay("f9", "Buy", "cat", 3, ""),
	onDay("f10", "Try", "dan", 0, ""), onDay("f11", "Buy", "dan", 0.3, ""), onDay("f12", "Visit", "dan", 0.6, ""),
	onDay("f13", "Visit", "eve", 3, ""),
}

func TestFunnelsAreToldByTheDefinition(t *testing.T) {
	s := begin(t)
	for _, v := range s.acme.Batch(t, shoppers...) {
		wantEqual(t, "verdict", v.Status, "ACCEPTED")
	}
	ask := func(order string) map[string]any { return map[string]any{"order": order, "touch": "FIRST"} }
	for order, want := range map[string]string{"SEQUENTIAL": "[4 3 1]", "STRICT": "[4 2 1]", "ANY": "[4 4 2]"} {
		var got funnelAnswer
		s.acme.Query(t, funnelOfMay, ask(order), &got)
		wantEqual(t, order, got.counts(), want)
	}
	var got funnelAnswer
	s.acme.Query(t, funnelOfMay, ask("SEQUENTIAL"), &got)
	f := got.Funnel
	wantEqual(t, "overall", *f.Steps[2].Conversion, 0.25)
	wantEqual(t, "from the step before", *f.Steps[2].ConversionFromPrevious, 1.0/3)
	wantEqual(t, "a day", f.TimeToConvert.Median, 86400.0)
	wantEqual(t, "half a day to the last step", f.Steps[2].TimeFromPrevious.Median, 43200.0)
	wantEqual(t, "nobody's window is open", f.Open, 0)
	wantEqual(t, "trend", fmt.Sprint(f.Trend.Entered, f.Trend.Converted, f.Trend.Complete), "[2 2] [1 0] [true true]")
	wantEqual(t, "compared", f.Comparisons[0].Steps[0].Count, 1)
	for i, step := range f.Steps {
		wantEqual(t, "who came to it", step.Converted.TotalCount, step.Count)
		next := step.Count
		if i+1 < len(f.Steps) {
			next = f.Steps[i+1].Count
		}
		wantEqual(t, "who came no further", step.Dropped.TotalCount, step.Count-next)
	}
	wantEqual(t, "a page", len(f.Steps[0].Converted.Nodes), 1)
	wantEqual(t, "more", f.Steps[0].Converted.PageInfo.HasNextPage, true)

	excluded := ask("SEQUENTIAL")
	excluded["exclusions"] = []map[string]any{{"event": map[string]any{"types": []string{"Chat"}}, "after": 1, "before": 2}}
	var without funnelAnswer
	s.acme.Query(t, funnelOfMay, excluded, &without)
	wantEqual(t, "without who chatted", without.counts(), "[3 2 1]")

	for _, touch := range []struct {
		name  string
		step  *int
		first string
	}{{"FIRST", nil, "ad"}, {"LAST", nil, "ad"}, {"STEP", new(1), "ad"}} {
		apart := ask("SEQUENTIAL")
		apart["by"], apart["touch"], apart["step"] = []map[string]string{{"kind": "PROPERTY", "name": "from"}}, touch.name, touch.step
		var got funnelAnswer
		s.acme.Query(t, funnelOfMay, apart, &got)
		total := 0
		if got.Funnel.Groups[0].Keys[0] != nil {
			total = got.Funnel.Groups[0].Steps[0].Count
		}
		if want := map[string]int{"FIRST": 2, "LAST": 0, "STEP": 2}[touch.name]; total != want {
			t.Errorf("%s: the largest group is %+v, want %d of a name", touch.name, got.Funnel.Groups[0], want)
		}
	}
	var none funnelAnswer
	s.globex.Query(t, funnelOfMay, ask("ANY"), &none)
	wantEqual(t, "of a stranger", none.counts(), "[0 0 0]")
}

// A funnel that is watched tells of who converts, merges included.
func TestFunnelsAreLive(t *testing.T) {
	s := begin(t)
	for _, v := range s.acme.Batch(t, shoppers...) {
		wantEqual(t, "verdict", v.Status, "ACCEPTED")
	}
	socket := s.kit.Connect(t, s.acme.ReadKey)
	socket.Subscribe(t, `subscription { live { query { funnel(
		steps: [{ types: ["Visit"] }, { types: ["Buy"] }], within: { days: 2 }, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-03T00:00:00Z" }
	) { steps { count } } } } }`)
	socket.Until(t, `"steps":[{"count":4},{"count":1}]`)
	wantVerdicts(t, s.acme.Batch(t, onDay("f20", "Buy", "ben", 1.5, "")), "ACCEPTED")
	socket.Until(t, `"steps":[{"count":4},{"count":2}]`)
	var people struct{ Ann, Dan struct{ ID string } }
	s.acme.Manage(t, `{ ann: person(userId: "ann") { id } dan: person(userId: "dan") { id } }`, nil, &people)
	s.acme.Manage(t, `mutation ($from: ID!, $into: ID!) { mergePeople(from: $from, into: $into, reason: "one") { id } }`,
		map[string]any{"from": people.Dan.ID, "into": people.Ann.ID}, &struct{}{})
	socket.Until(t, `"steps":[{"count":3},{"count":2}]`)
}

// What a token names are metrics and reports: journeys and cohorts are none of them.
func TestTokensSeeNoJourneys(t *testing.T) {
	s := begin(t)
	token, _ := embed(t, s.acme, time.Hour, `"metrics":["events"]`)
	for _, query := range []string{asked["Query.retention"], asked["Query.funnel"], asked["Query.lifecycle"], asked["Query.paths"], asked["Query.cohorts"]} {
		wantEqual(t, query, s.kit.Ask(t, token, query, nil).Errors[0].Extensions.Code, "FORBIDDEN")
	}
}

const lifecycleOfMay = `{
	lifecycle(interval: DAY, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-07T00:00:00Z" }, zone: "UTC") {
		at new returning resurrecting dormant complete range { from to } interval zone asOf watermark exact
	}
}`

// The units of the definition of retention come and go; the metrics say the same of them.
func TestLifecyclesAreWhatTheMetricsSay(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, threeUnits...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	var got struct {
		Lifecycle struct{ New, Returning, Resurrecting, Dormant []int }
	}
	s.acme.Query(t, lifecycleOfMay, nil, &got)
	l := got.Lifecycle
	wantEqual(t, "new, returning, resurrecting, dormant", fmt.Sprint(l.New, l.Returning, l.Resurrecting, l.Dormant),
		"[3 0 0 0 0 0] [0 1 0 0 0 0] [0 0 0 0 0 1] [0 2 1 0 0 0]")
	for key, of := range map[string][]int{"new_users": l.New, "returning_users": l.Returning, "resurrecting_users": l.Resurrecting, "dormant_users": l.Dormant} {
		var metric struct {
			Metric struct{ Series struct{ Values []int } }
		}
		s.acme.Query(t, `query ($key: String!) { metric(key: $key) {
			series(interval: DAY, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-07T00:00:00Z" }, zone: "UTC") { values }
		} }`, map[string]any{"key": key}, &metric)
		wantEqual(t, key, fmt.Sprint(metric.Metric.Series.Values), fmt.Sprint(of))
	}
}

const pathsOfMay = `query ($direction: PathDirection!) {
	paths(event: { types: ["Try"] }, direction: $direction, depth: 2, breadth: 1, within: { days: 1 }, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-05T00:00:00Z" }, zone: "UTC") {
		count nodes { step parent type count ended } range { from to } zone asOf watermark exact
	}
}`

func TestPathsLeadOnAndBack(t *testing.T) {
	s := begin(t)
	for _, v := range s.acme.Batch(t, shoppers...) {
		wantEqual(t, "verdict", v.Status, "ACCEPTED")
	}
	for direction, want := range map[string]string{
		"AFTER":  "4: 1 Buy 2 (1), 2 Visit 1 (0)",
		"BEFORE": "4: 1 Chat 1 (0), 1 others 1 (0), 2 Visit 1 (0)",
	} {
		var got struct {
			Paths struct {
				Count int
				Nodes []struct {
					Step, Count, Ended int
					Type               *string
				}
			}
		}
		s.acme.Query(t, pathsOfMay, map[string]any{"direction": direction}, &got)
		text := fmt.Sprintf("%d:", got.Paths.Count)
		for i, n := range got.Paths.Nodes {
			name := "others"
			if n.Type != nil {
				name = *n.Type
			}
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(" %d %s %d (%d)", n.Step, name, n.Count, n.Ended)
		}
		wantEqual(t, direction, text, want)
	}
}

// A path that is watched tells of its next step whenever that is taken: what is repeated for days
// before it counts once.
func TestPathsAreLive(t *testing.T) {
	s := begin(t)
	for i := range 10 {
		wantVerdicts(t, s.acme.Batch(t, onDay(fmt.Sprint("p", i), "Read", "ann", 0.9*float64(i), "")), "ACCEPTED")
	}
	socket := s.kit.Connect(t, s.acme.ReadKey)
	socket.Subscribe(t, `subscription { live { query { paths(
		event: { types: ["Read"] }, depth: 1, within: { days: 1 }, range: { from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z" }
	) { count nodes { type } } } } }`)
	socket.Until(t, `"count":1,"nodes":[]`)
	wantVerdicts(t, s.acme.Batch(t, onDay("p10", "Buy", "ann", 8.9, "")), "ACCEPTED")
	socket.Until(t, `"count":1,"nodes":[{"type":"Buy"}]`)
}

// Who is in a cohort tells journeys apart, and filters them.
func TestJourneysAreToldByCohorts(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, threeUnits...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	filter := object{"dimension": object{"kind": "PROPERTY", "name": "plan"}, "operator": "EQUALS", "values": []string{"free"}}
	free := gather(t, s.acme, "DYNAMIC", object{"name": "Free", "condition": object{"did": object{"types": []string{"Open"}, "filter": filter}}})
	gathered(t, s.kit, s.acme, free)
	within := func(operator string) object {
		return object{"types": []string{"Open"}, "filter": object{"dimension": object{"kind": "COHORT"}, "operator": operator, "values": []string{free}}}
	}
	for operator, want := range map[string]string{"EQUALS": "[[2 0 0 0 0 1 0]]", "NOT_EQUALS": "[[1 1 0 0 0 0 0]]"} {
		var got retentionAnswer
		ask := asking("ON", "CALENDAR")
		ask["start"] = within(operator)
		s.acme.Query(t, retentionOfMay, ask, &got)
		wantEqual(t, operator, fmt.Sprint(got.Retention.Returned), want)
	}
	var apart retentionAnswer
	ask := asking("ON", "CALENDAR")
	ask["by"] = []object{{"kind": "COHORT", "name": free}}
	s.acme.Query(t, retentionOfMay, ask, &apart)
	wantEqual(t, "in it", *apart.Retention.Groups[0].Keys[0], "true")
	wantEqual(t, "its figures", fmt.Sprint(apart.Retention.Groups[0].Returned), "[[2 0 0 0 0 1 0]]")
	wantEqual(t, "the others", fmt.Sprint(apart.Retention.Rest.Returned), "[[1 1 0 0 0 0 0]]")
	ask = asking("ON", "CALENDAR")
	ask["start"] = within("EQUALS")
	wantEqual(t, "another's cohort", s.kit.Ask(t, s.globex.ReadKey, retentionOfMay, ask).Errors[0].Extensions.Field, "startEvent.filter.values")
}

// By MRR an account counts for what it came to when it started, and not for what it came to later.
func TestRetentionIsWeightedByMRR(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, threeUnits...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	plan := func(key, amount, currency string) json.RawMessage {
		return item(`{"plan": {"key": "` + key + `", "name": "P", "amount": ` + amount + `, "currency": "` + currency + `", "interval": "MONTH"}}`)
	}
	subscribed := func(id, account, plan, at string) json.RawMessage {
		return item(`{"subscription": {"id": "` + id + `", "groupId": "` + account + `", "plan": "` + plan + `", "status": "ACTIVE", "occurredAt": "` + at + `", "startedAt": "` + at + `"}}`)
	}
	recorded := s.kit.Ask(t, s.acme.WriteKey, recordIt, map[string]any{"items": []json.RawMessage{
		plan("big", "90000", "USD"), plan("small", "10000", "USD"), plan("euro", "5000", "EUR"),
		item(`{"rate": {"base": "EUR", "currency": "USD", "day": "2026-04-01", "rate": "1.2"}}`),
		subscribed("s1", "acc-ann", "small", "2026-04-10T10:00:00Z"),
		subscribed("s2", "acc-ben", "euro", "2026-04-10T10:00:00Z"),
		subscribed("s3", "acc-ann", "big", "2026-05-03T10:00:00Z"), // after it has started
	}})
	if !strings.Contains(string(recorded.Data), `"accepted":7`) {
		t.Fatalf("recorded: %s %+v", recorded.Data, recorded.Errors)
	}
	s.acme.Manage(t, `mutation { updateTenant(currency: "USD") { id } }`, nil, &struct{}{})
	ask := asking("ON", "CALENDAR")
	ask["unit"], ask["weight"] = "ACCOUNT", "MRR"
	var got struct {
		Retention struct {
			Currency string
			Sizes    []int
			Returned [][]int
		}
	}
	s.acme.Manage(t, retentionOfMay, ask, &got)
	wantEqual(t, "currency", got.Retention.Currency, "USD")
	wantEqual(t, "100 USD and 50 EUR at 1.2", fmt.Sprint(got.Retention.Sizes), "[16000]")
	wantEqual(t, "who returned, by what they came to", fmt.Sprint(got.Retention.Returned), "[[16000 10000 0 0 0 6000 0]]")
	ask["unit"] = "USER"
	wantEqual(t, "of users", s.kit.Ask(t, s.acme.ManageKey, retentionOfMay, ask).Errors[0].Extensions.Field, "weight")
}
