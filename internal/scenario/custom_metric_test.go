package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Metrics that a tenant defines.
func TestMetricsOfATenantsOwn(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a metric is previewed, defined and asked for", aMetricIsDefined},
		{"a formula is worked out of others", aFormulaIsWorkedOut},
		{"what is counted of which events", whatIsCountedOfWhichEvents},
		{"a metric takes what it is made of takes", aMetricTakesWhatItIsMadeOfTakes},
		{"what cannot be a metric", whatCannotBeAMetric},
		{"a metric is not made of itself", aMetricIsNotMadeOfItself},
		{"a change counts from then on, and is pushed", aChangeIsPushed},
		{"a metric is given up", aMetricIsGivenUp},
		{"many metrics take few statements", manyMetricsTakeFewStatements},
		{"a token shows the metric that it names", aTokenShowsTheMetricThatItNames},
	})
}

// How metrics are defined.
const (
	createMetricIt = `mutation ($key: String!, $input: MetricInput!) { createMetric(key: $key, input: $input) { id key version } }`
	updateMetricIt = `mutation ($key: String!, $input: MetricInput!) { updateMetric(key: $key, input: $input) { id version } }`
	removeMetricIt = `mutation ($key: String!) { removeMetric(key: $key) }`
	previewIt      = `query ($input: MetricInput!, $key: String) { previewMetric(input: $input, key: $key) {
		total { value comparisons { kind value } definitionVersion } series { at values } problems { field message blocking }
		explanation { milliseconds rows blocks sources } } }`
	oneMetric = `query ($key: String!) { metric(key: $key) {
		id key name description formula unit direction additive permission version custom
		value(` + thatDay + `) { value definitionVersion exact sources }
		versions(first: 10) { edges { cursor node { number } } nodes { number definition savedAt savedBy endedAt because } pageInfo { hasNextPage } }
		explain(` + thatDay + `) { sources milliseconds rows blocks readings {
			metrics buckets sources reasons milliseconds rows blocks statements { name tables milliseconds rows blocks } } } } }`
	valueOfMetric = `query ($key: String!, $asOf: DateTime) { metric(key: $key) { value(` + thatDay + `, asOf: $asOf) { value definitionVersion } } }`
)

type object = map[string]any

// counting is the input of a metric that counts events of some types.
func counting(types ...string) object {
	return object{"name": "Counted", "events": object{"aggregation": "COUNT", "types": types}}
}

func formulaOf(text string) object { return object{"name": "Worked out", "formula": text} }

// define saves a metric and gives its version.
func define(t *testing.T, who *served.Tenant, key string, input object) int {
	t.Helper()
	var answer struct{ CreateMetric struct{ Version int } }
	who.Manage(t, createMetricIt, object{"key": key, "input": input}, &answer)
	return answer.CreateMetric.Version
}

func redefine(t *testing.T, who *served.Tenant, key string, input object) int {
	t.Helper()
	var answer struct{ UpdateMetric struct{ Version int } }
	who.Manage(t, updateMetricIt, object{"key": key, "input": input}, &answer)
	return answer.UpdateMetric.Version
}

type valued struct {
	Metric struct {
		Value struct {
			Value             *float64
			DefinitionVersion int
		}
	}
}

func (v valued) String() string {
	if v.Metric.Value.Value == nil {
		return fmt.Sprintf("null by %d", v.Metric.Value.DefinitionVersion)
	}
	return fmt.Sprintf("%g by %d", *v.Metric.Value.Value, v.Metric.Value.DefinitionVersion)
}

// wantFigure asks for the figure of the day, and by which version it is.
func wantFigure(t *testing.T, who *served.Tenant, key, want string) {
	t.Helper()
	var answer valued
	who.Query(t, valueOfMetric, object{"key": key}, &answer)
	wantEqual(t, key, answer.String(), want)
}

func bought(t *testing.T, who *served.Tenant) {
	t.Helper()
	who.Batch(t, event("m1", "Buy", "u1", noon), event("m2", "Buy", "u2", noon), event("m3", "Visit", "u1", noon), event("m4", "Visit", "u1", noon), event("m5", "Visit", "u3", noon))
}

func aMetricIsDefined(t *testing.T, s story) {
	bought(t, s.acme)
	input := counting("Buy", "Bye")
	input["description"] = "What was bought."
	var preview struct {
		PreviewMetric struct {
			Total    struct{ Comparisons []struct{ Kind string } }
			Series   struct{ At []string }
			Problems []struct {
				Field, Message string
				Blocking       bool
			}
			Explanation struct{ Rows int }
		}
	}
	s.acme.Manage(t, previewIt, object{"input": input}, &preview)
	got := preview.PreviewMetric
	wantEqual(t, "days", len(got.Series.At), 90)
	wantEqual(t, "compared", got.Total.Comparisons, []struct{ Kind string }{{"PREVIOUS_PERIOD"}})
	if p := got.Problems; len(p) != 1 || p[0].Field != "input.events.types" || p[0].Blocking || !strings.Contains(p[0].Message, "Bye") {
		t.Errorf("problems: %+v", p)
	}
	wantRefused(t, s.kit, s.acme.ReadKey, valueOfMetric, object{"key": "buys"}, "NOT_FOUND") // nothing was saved
	wantEqual(t, "version", define(t, s.acme, "buys", input), 1)
	wantFigure(t, s.acme, "buys", "2 by 1")

	var answer struct{ Metric toldMetric }
	s.acme.Query(t, oneMetric, object{"key": "buys"}, &answer)
	m := answer.Metric
	wantEqual(t, "the metric", []any{m.Key, m.Name, m.Description, m.Formula, m.Unit, m.Direction, m.Additive, m.Permission, m.Version, m.Custom},
		[]any{"buys", "Counted", "What was bought.", "count(events) of Buy, Bye", "EVENTS", "NEUTRAL", true, "READ_METRICS", 1, true})
	wantEqual(t, "what was saved", toJSON(t, m.Versions.Nodes[0].Definition),
		`{"description":"What was bought.","direction":"NEUTRAL","events":{"aggregation":"COUNT","types":["Buy","Bye"]},"name":"Counted","unit":""}`)
	read := m.Explain.Readings[0]
	wantEqual(t, "what it is read for", read.Metrics, []string{"buys"})
	if s := read.Statements; len(s) != 1 || s[0].Name != "EventCountByBucketOfTypes" || !slices.Contains(s[0].Tables, "event_rollup") || s[0].Blocks < 1 || s[0].Rows < 1 || s[0].Milliseconds <= 0 {
		t.Errorf("statements: %+v", s)
	}
	wantEqual(t, "why", read.Reasons, []string{"OPEN_DAYS"})

	wantEqual(t, "listed", listedMetrics(t, s.acme), []string{"buys"})
	wantEqual(t, "the stranger's list", len(listedMetrics(t, s.globex)), 0)
	wantRefused(t, s.kit, s.globex.ReadKey, valueOfMetric, object{"key": "buys"}, "NOT_FOUND")
	wantRefused(t, s.kit, s.globex.ReadKey, `query ($id: ID!) { node(id: $id) { id } }`, object{"id": m.ID}, "NOT_FOUND")
	wantEqual(t, "the stranger's version", define(t, s.globex, "buys", counting("Visit")), 1)
	wantFigure(t, s.globex, "buys", "0 by 1")
	wantFigure(t, s.acme, "buys", "2 by 1")
}

type toldMetric struct {
	ID, Key, Name, Description, Formula, Unit, Direction, Permission string
	Additive, Custom                                                 bool
	Version                                                          int
	Versions                                                         struct {
		Nodes []struct {
			Number     int
			Definition object
			Because    *string
			EndedAt    *string
		}
	}
	Explain struct {
		Sources  []string
		Readings []struct {
			Metrics, Reasons []string
			Statements       []struct {
				Name         string
				Tables       []string
				Milliseconds float64
				Rows, Blocks int
			}
		}
	}
}

// listedMetrics lists the keys of those that the tenant has defined.
func listedMetrics(t *testing.T, who *served.Tenant) (keys []string) {
	t.Helper()
	var answer struct {
		Metrics struct {
			Nodes []struct {
				Key    string
				Custom bool
			}
		}
	}
	who.Query(t, `{ metrics(first: 100) { nodes { key custom } } }`, nil, &answer)
	for _, n := range answer.Metrics.Nodes {
		if n.Custom {
			keys = append(keys, n.Key)
		}
	}
	return keys
}

func aFormulaIsWorkedOut(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "visits", counting("Visit"))
	define(t, s.acme, "conversion", formulaOf("buys/visits"))
	define(t, s.acme, "other", formulaOf("max(conversion, 0.5) * 3 - (events - buys - visits)"))
	define(t, s.acme, "both", formulaOf("buys + 2 * visits"))
	define(t, s.acme, "nothing", formulaOf("buys / (visits - 3)"))
	for key, want := range map[string]string{"conversion": "0.6666666666666666 by 1", "other": "2 by 1", "both": "8 by 1", "nothing": "null by 1"} {
		wantFigure(t, s.acme, key, want)
	}
	var answer struct {
		Conversion, Both struct {
			Formula  string
			Additive bool
			Series   struct {
				Values     []*float64
				Cumulative []*float64
			}
			Explain struct {
				Readings []struct{ Metrics []string }
			}
		}
	}
	s.acme.Query(t, `query ($range: RangeInput!) { conversion: metric(key: "conversion") { ...m } both: metric(key: "both") { ...m } }
		fragment m on Metric { formula additive series(range: $range, zone: "UTC") { values cumulative } explain(range: $range, interval: DAY) { readings { metrics } } }`,
		object{"range": object{"from": "2026-04-30T00:00:00Z", "to": "2026-05-02T00:00:00Z"}}, &answer)
	wantEqual(t, "the formula", answer.Conversion.Formula, "buys / visits")
	wantEqual(t, "of nothing", toJSON(t, answer.Conversion.Series), `{"Values":[null,0.6666666666666666],"Cumulative":null}`)
	wantEqual(t, "added up", toJSON(t, answer.Both.Series), `{"Values":[0,8],"Cumulative":[0,8]}`)
	wantEqual(t, "what adds up", []bool{answer.Conversion.Additive, answer.Both.Additive}, []bool{false, true})
	wantEqual(t, "what it is read for", toJSON(t, answer.Conversion.Explain.Readings), `[{"Metrics":["buys"]},{"Metrics":["visits"]}]`)
}

func whatCannotBeAMetric(t *testing.T, s story) {
	define(t, s.acme, "buys", counting("Buy"))
	with := func(name string, value any) object {
		in := counting("Buy")
		in[name] = value
		return in
	}
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		key   string
		input object
		field string
	}{
		"a key of ours":            {"events", counting("Buy"), "key"},
		"a key in use":             {"buys", counting("Buy"), "key"},
		"a key with a blank":       {"my buys", counting("Buy"), "key"},
		"a key with a NUL":         {"a\x00", counting("Buy"), "key"},
		"an empty key":             {"", counting("Buy"), "key"},
		"a function's name":        {"min", counting("Buy"), "key"},
		"no name":                  {"k", with("name", ""), "input.name"},
		"a long name":              {"k", with("name", long), "input.name"},
		"a NUL in a text":          {"k", with("description", "a\x00"), "input.description"},
		"neither":                  {"k", object{"name": "n"}, "input"},
		"both":                     {"k", with("formula", "buys"), "input"},
		"money":                    {"k", with("unit", "MONEY"), "input.unit"},
		"money of none":            {"k", object{"name": "n", "formula": "buys", "unit": "MONEY"}, "input.unit"},
		"half a formula":           {"k", formulaOf("buys /"), "input.formula"},
		"a formula of code":        {"k", formulaOf("buys; drop table event"), "input.formula"},
		"an unknown metric":        {"k", formulaOf("buys / sells"), "input.formula"},
		"a formula of no metric":   {"k", formulaOf("1 + 1"), "input.formula"},
		"a formula without an end": {"k", formulaOf(strings.Repeat("(", 1000)), "input.formula"},
		"a condition of nothing":   {"k", object{"name": "n", "events": object{"aggregation": "COUNT", "filter": object{"and": []any{object{"operator": "EQUALS"}}}}}, "input.events.filter.and[0]"},
		"a percentile of none":     {"k", object{"name": "n", "events": object{"aggregation": "PERCENTILE", "property": "p", "percentile": 0}}, "input.events.percentile"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.kit.Ask(t, s.acme.ManageKey, createMetricIt, object{"key": c.key, "input": c.input})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != c.field {
				t.Fatalf("%s %+v, want %s", got.Data, got.Errors, c.field)
			}
			wantDiscreet(t, got.Errors[0].Message, long)
			if c.field == "key" || strings.HasPrefix(c.field, "input.events.") {
				return
			}
			var preview struct {
				PreviewMetric struct {
					Total    *struct{}
					Problems []struct {
						Field    string
						Blocking bool
					}
				}
			}
			s.acme.Manage(t, previewIt, object{"input": c.input}, &preview)
			if p := preview.PreviewMetric; p.Total != nil || len(p.Problems) != 1 || p.Problems[0].Field != c.field || !p.Problems[0].Blocking {
				t.Errorf("the preview says %+v", p)
			}
		})
	}
	wantEqual(t, "what there is", listedMetrics(t, s.acme), []string{"buys"})
}

func aMetricIsNotMadeOfItself(t *testing.T, s story) {
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "a", formulaOf("buys * 2"))
	define(t, s.acme, "b", formulaOf("a + 1"))
	define(t, s.acme, "c", formulaOf("b + buys"))
	for formula, want := range map[string]string{"a + 1": "a -> a", "b * 1": "a -> b -> a", "buys + c": "a -> c -> b -> a"} {
		for _, document := range []string{updateMetricIt} {
			got := s.kit.Ask(t, s.acme.ManageKey, document, object{"key": "a", "input": formulaOf(formula)})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "input.formula" || !strings.Contains(got.Errors[0].Message, want) {
				t.Errorf("%s: %+v, want %s", formula, got.Errors, want)
			}
		}
		var preview struct {
			PreviewMetric struct{ Problems []struct{ Message string } }
		}
		s.acme.Manage(t, previewIt, object{"key": "a", "input": formulaOf(formula)}, &preview)
		if p := preview.PreviewMetric.Problems; len(p) != 1 || !strings.Contains(p[0].Message, want) {
			t.Errorf("the preview of %s says %+v", formula, p)
		}
	}
	wantFigure(t, s.acme, "c", "1 by 1")
	// Ten levels of formulas are the most, however they come about.
	last := "c"
	for i := range 7 {
		next := fmt.Sprint("level", i)
		define(t, s.acme, next, formulaOf(last+" + 0"))
		last = next
	}
	wantRefused(t, s.kit, s.acme.ManageKey, createMetricIt, object{"key": "beyond", "input": formulaOf(last)}, "BAD_USER_INPUT")
	define(t, s.acme, "x", formulaOf("buys"))
	wantRefused(t, s.kit, s.acme.ManageKey, updateMetricIt, object{"key": "a", "input": formulaOf("x")}, "BAD_USER_INPUT")
}

func aChangeIsPushed(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "double", formulaOf("2 * buys"))
	query := live(`metric(key: "double") { version value(` + thatDay + `) { value definitionVersion } }`)
	missing := live(`metric(key: "later") { version }`)
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			bought(t, s.acme)
			define(t, s.acme, "buys", counting("Buy"))
			define(t, s.acme, "double", formulaOf("2 * buys"))
			w, early := watch(t, s.kit, s.acme.ReadKey, query), watch(t, s.kit, s.acme.ReadKey, missing)
			stranger := watch(t, s.kit, s.globex.ReadKey, query)
			wantNext(t, w, `"version":1,"value":{"value":4,"definitionVersion":1}`)
			wantNext(t, early, `NOT_FOUND`)
			wantNext(t, stranger, `NOT_FOUND`)
			wantEqual(t, "version", redefine(t, s.acme, "buys", counting("Visit")), 2)
			until(t, w, `"version":2,"value":{"value":6,"definitionVersion":2}`)
			redefine(t, s.acme, "double", formulaOf("3 * buys"))
			until(t, w, `"version":3,"value":{"value":9,"definitionVersion":3}`)
			s.acme.Batch(t, event("m6", "Visit", "u1", noon))
			until(t, w, `"version":3,"value":{"value":12,"definitionVersion":3}`)
			define(t, s.acme, "later", counting("Buy"))
			until(t, early, `"version":1`)
			define(t, s.globex, "double", counting("Buy"))
			until(t, stranger, `"version":1,"value":{"value":0,"definitionVersion":1}`)
		})
	}
	redefine(t, s.acme, "buys", counting("Visit"))
	input := counting("Visit")
	input["name"] = "Only another name"
	redefine(t, s.acme, "buys", input)
	var answer struct{ Metric toldMetric }
	s.acme.Query(t, oneMetric, object{"key": "double"}, &answer)
	nodes := answer.Metric.Versions.Nodes
	if len(nodes) != 2 || nodes[0].Because == nil || *nodes[0].Because != "buys" || nodes[0].EndedAt != nil || nodes[1].Because != nil || nodes[1].EndedAt == nil {
		t.Errorf("versions: %+v", nodes)
	}
	var pages struct {
		Metric struct {
			Versions struct {
				Nodes    []struct{ Number int }
				PageInfo pageInfo
			}
		}
	}
	const page = `query ($after: String) { metric(key: "buys") { versions(first: 2, after: $after) { nodes { number } pageInfo { endCursor hasNextPage } } } }`
	s.acme.Query(t, page, nil, &pages)
	wantEqual(t, "the latest", toJSON(t, pages.Metric.Versions.Nodes), `[{"Number":3},{"Number":2}]`)
	s.acme.Query(t, page, object{"after": pages.Metric.Versions.PageInfo.EndCursor}, &pages)
	wantEqual(t, "the first", toJSON(t, pages.Metric.Versions.Nodes), `[{"Number":1}]`)
}

func aMetricIsGivenUp(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "double", formulaOf("2 * buys"))
	got := s.kit.Ask(t, s.acme.ManageKey, removeMetricIt, object{"key": "buys"})
	if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || !strings.Contains(got.Errors[0].Message, "double") {
		t.Errorf("what others are made of: %+v", got.Errors)
	}
	for _, key := range []string{"events", "nothing", "a\x00"} {
		wantRefused(t, s.kit, s.acme.ManageKey, removeMetricIt, object{"key": key}, "NOT_FOUND")
	}
	wantRefused(t, s.kit, s.globex.ManageKey, removeMetricIt, object{"key": "double"}, "NOT_FOUND")
	for _, key := range []string{"double", "buys"} {
		s.acme.Manage(t, removeMetricIt, object{"key": key}, &struct{}{})
		wantRefused(t, s.kit, s.acme.ReadKey, valueOfMetric, object{"key": key}, "NOT_FOUND")
		wantRefused(t, s.kit, s.acme.ManageKey, updateMetricIt, object{"key": key, "input": counting("Buy")}, "NOT_FOUND")
	}
	wantEqual(t, "what is left", len(listedMetrics(t, s.acme)), 0)
	wantEqual(t, "the version after", define(t, s.acme, "buys", counting("Visit")), 2)
	var answer struct{ Metric toldMetric }
	s.acme.Query(t, oneMetric, object{"key": "buys"}, &answer)
	wantEqual(t, "its versions", len(answer.Metric.Versions.Nodes), 2)
}

// However many metrics a request asks for, they are found by one statement, and once more in
// the snapshot that they are answered from.
func manyMetricsTakeFewStatements(t *testing.T, s story) {
	var document strings.Builder
	for i := range 12 {
		key := fmt.Sprint("m", i)
		if i%3 == 2 {
			define(t, s.acme, key, formulaOf(fmt.Sprintf("m%d / m%d", i-1, i-2)))
		} else {
			define(t, s.acme, key, counting(fmt.Sprint("E", i)))
		}
		fmt.Fprintf(&document, "%s: metric(key: %q) { value { value } series { values } versions(first: 3) { nodes { number } } }\n", key, key)
	}
	s.kit.Statements.Take()
	s.acme.Query(t, "{"+document.String()+"}", nil, &struct{}{})
	taken := s.kit.Statements.Take()
	wantEqual(t, "statements", []int{taken["MetricDefinitionFind"], taken["MetricDefinitionList"], taken["MetricDefinitionVersions"]}, []int{2, 0, 1})
}

func aTokenShowsTheMetricThatItNames(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "double", formulaOf("2 * buys"))
	token, _ := embed(t, s.acme, time.Hour, `"metrics":["double"]`)
	got := s.kit.Ask(t, token, `{ metric(key: "double") { value(`+thatDay+`) { value } } metrics { nodes { key } } }`, nil)
	wantEqual(t, "what is shown", string(got.Data), `{"metric":{"value":{"value":4}},"metrics":{"nodes":[{"key":"double"}]}}`)
	wantRefused(t, s.kit, token, valueOfMetric, object{"key": "buys"}, "NOT_FOUND")
	wantRefused(t, s.kit, token, `{ metric(key: "double") { versions { nodes { number } } } }`, nil, "FORBIDDEN")
	wantRefused(t, s.kit, token, `{ metric(key: "double") { explain { rows } } }`, nil, "FORBIDDEN")
}

func sale(id, user string, amount float64, plan string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":"Buy","userId":%q,"timestamp":%q,"properties":{"amount":%g,"plan":%q},"context":{"groupId":%q}}`,
		id, user, noon, amount, plan, "team of "+user)
}

// What is defined is what is counted by hand, and a filter that is asked for counts besides.
func whatIsCountedOfWhichEvents(t *testing.T, s story) {
	s.acme.Batch(t, sale("m1", "u1", 10, "pro"), sale("m2", "u1", 20, "pro"), sale("m3", "u2", 60, "free"), event("m4", "Visit", "u3", noon))
	pro := object{"dimension": object{"kind": "PROPERTY", "name": "plan"}, "operator": "EQUALS", "values": []any{"pro"}}
	for key, c := range map[string]struct {
		events        object
		want          string
		unit, formula string
		source        string
	}{
		"pro_sales": {object{"aggregation": "COUNT", "types": []string{"Buy"}, "filter": pro}, "2 by 1", "EVENTS", "count(events) of Buy, filtered by PROPERTY plan", "RAW"},
		"no_pro":    {object{"aggregation": "COUNT", "types": []string{"Buy"}, "filter": object{"and": []any{object{"not": pro}}}}, "1 by 1", "EVENTS", "count(events) of Buy, filtered by PROPERTY plan", "RAW"},
		"buyers":    {object{"aggregation": "UNIQUE_USERS", "types": []string{"Buy"}}, "2 by 1", "USERS", "count(distinct user) of Buy", "RAW"},
		"teams":     {object{"aggregation": "UNIQUE_ACCOUNTS"}, "2 by 1", "ACCOUNTS", "count(distinct account)", "RAW"},
		"turnover":  {object{"aggregation": "SUM", "property": "amount"}, "90 by 1", "NUMBER", "sum(amount)", "RAW"},
		"basket":    {object{"aggregation": "AVERAGE", "property": "amount"}, "30 by 1", "NUMBER", "average(amount)", "RAW"},
		"least":     {object{"aggregation": "MINIMUM", "property": "amount"}, "10 by 1", "NUMBER", "minimum(amount)", "RAW"},
		"most":      {object{"aggregation": "MAXIMUM", "property": "amount", "filter": pro}, "20 by 1", "NUMBER", "maximum(amount), filtered by PROPERTY plan", "RAW"},
		"median":    {object{"aggregation": "PERCENTILE", "property": "amount", "percentile": 0.5}, "20 by 1", "NUMBER", "percentile(amount, 0.5)", "RAW"},
		"lowest":    {object{"aggregation": "AVERAGE", "property": "nothing"}, "null by 1", "NUMBER", "average(nothing)", "RAW"},
		"all":       {object{"aggregation": "COUNT"}, "4 by 1", "EVENTS", "count(events)", "OPEN"},
	} {
		define(t, s.acme, key, object{"name": key, "events": c.events})
		wantFigure(t, s.acme, key, c.want)
		var answer struct{ Metric toldMetric }
		s.acme.Query(t, oneMetric, object{"key": key}, &answer)
		m := answer.Metric
		wantEqual(t, key, []any{m.Unit, m.Formula, m.Explain.Sources}, []any{c.unit, c.formula, []string{c.source}})
		if reasons := m.Explain.Readings[0].Reasons; c.source == "RAW" && !slices.Equal(reasons, []string{"DEFINITION"}) {
			t.Errorf("%s is read of single events because of %v", key, reasons)
		}
	}
	var answer struct {
		Metric struct {
			Value   struct{ Value float64 }
			Explain struct {
				Readings []struct{ Reasons []string }
			}
			Breakdown struct {
				Rows []struct {
					Keys  []string
					Value float64
				}
			}
		}
	}
	define(t, s.acme, "per_buyer", formulaOf("turnover / buyers"))
	s.acme.Query(t, `query ($f: FilterInput, $plan: [DimensionInput!]!) { metric(key: "per_buyer") { value(`+thatDay+`, filter: $f) { value }
		explain(`+thatDay+`, by: $plan, filter: $f) { readings { reasons } } breakdown(`+thatDay+`, by: $plan) { rows { keys value } } } }`,
		object{"f": pro, "plan": []any{object{"kind": "PROPERTY", "name": "plan"}}}, &answer)
	wantEqual(t, "of pro", answer.Metric.Value.Value, 30.0)
	wantEqual(t, "by plan", toJSON(t, answer.Metric.Breakdown.Rows), `[{"Keys":["free"],"Value":60},{"Keys":["pro"],"Value":30}]`)
	wantEqual(t, "why", answer.Metric.Explain.Readings[0].Reasons, []string{"FILTER", "BREAKDOWN"})

	first := s.now(t)
	redefine(t, s.acme, "turnover", object{"name": "turnover", "events": object{"aggregation": "SUM", "property": "amount", "filter": pro}})
	wantFigure(t, s.acme, "per_buyer", "15 by 2")
	for key, want := range map[string]string{"turnover": "90 by 1", "per_buyer": "45 by 1"} {
		var then valued
		s.acme.Query(t, valueOfMetric, object{"key": key, "asOf": first}, &then)
		wantEqual(t, key+" as of then", then.String(), want)
	}
	got := s.kit.Ask(t, s.acme.ReadKey, valueOfMetric, object{"key": "turnover", "asOf": "2026-05-02T00:00:00Z"})
	if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "asOf" {
		t.Errorf("before it was defined: %s %+v", got.Data, got.Errors)
	}
	wantEqual(t, "the stranger's", len(listedMetrics(t, s.globex)), 0)
}

// now is the database's clock.
func (s story) now(t *testing.T) string {
	t.Helper()
	var at time.Time
	s.kit.Scan(t, `select clock_timestamp()`, nil, &at)
	return at.UTC().Format(time.RFC3339Nano)
}

func aMetricTakesWhatItIsMadeOfTakes(t *testing.T, s story) {
	ann := object{"dimension": object{"kind": "USER_TRAIT", "name": "email"}, "operator": "EQUALS", "values": []any{"ann@example.com"}}
	define(t, s.acme, "anns", object{"name": "n", "events": object{"aggregation": "COUNT", "filter": object{"or": []any{ann}}}})
	define(t, s.acme, "twice_ann", formulaOf("2 * anns"))
	define(t, s.acme, "worth", object{"name": "n", "formula": "mrr / 2", "unit": "MONEY"})
	metrics := newKey(t, s.acme, object{"kind": "READ", "permissions": []string{"READ_METRICS", "READ_SCHEMA"}}).Secret
	for key, takes := range map[string]string{"anns": "READ_PII", "twice_ann": "READ_PII", "worth": "READ_REVENUE"} {
		var answer struct{ Metric toldMetric }
		s.acme.Query(t, oneMetric, object{"key": key}, &answer)
		wantEqual(t, key, answer.Metric.Permission, takes)
		wantRefused(t, s.kit, metrics, valueOfMetric, object{"key": key}, "FORBIDDEN")
		wantRefused(t, s.kit, metrics, `query ($key: String!) { metric(key: $key) { explain { rows } } }`, object{"key": key}, "FORBIDDEN")
		shown := s.kit.Ask(t, metrics, `query ($key: String!) { metric(key: $key) { formula versions { nodes { definition } } } }`, object{"key": key})
		if len(shown.Errors) > 0 || strings.Contains(string(shown.Data), "ann@example.com") || strings.Contains(string(shown.Data), `"definition":null`) != (key == "anns") {
			t.Errorf("%s is shown as %s %+v", key, shown.Data, shown.Errors)
		}
	}
	got := s.kit.Ask(t, s.acme.ManageKey, createMetricIt, object{"key": "both", "input": formulaOf("anns / worth")})
	if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "input.formula" {
		t.Errorf("what takes two permissions: %s %+v", got.Data, got.Errors)
	}
	makers := newKey(t, s.acme, object{"kind": "MANAGE", "permissions": []string{"READ_METRICS", "MANAGE_DATA"}}).Secret
	for _, input := range []object{formulaOf("mrr * 2"), {"name": "n", "events": object{"aggregation": "COUNT", "filter": ann}}} {
		wantRefused(t, s.kit, makers, createMetricIt, object{"key": "k", "input": input}, "FORBIDDEN")
		wantRefused(t, s.kit, makers, `query ($input: MetricInput!) { previewMetric(input: $input) { total { value } } }`, object{"input": input}, "FORBIDDEN")
	}
}
