package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
