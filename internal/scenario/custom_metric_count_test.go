package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

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
