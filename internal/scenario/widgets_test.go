package scenario_test

import (
	"regexp"
	"strings"
	"testing"
)

// figuresOfWidgets are asked for by dashboards, in all the ways that figures can be asked for.
var figuresOfWidgets = map[string]string{
	"values": `{ __typename a: metric(key: "events") { __typename id key name description formula unit direction version additive custom
		value(` + overMay + `, compare: [{kind: LAST_MONTH}, {kind: RANGE, from: "2026-04-01T00:00:00Z", to: "2026-04-05T00:00:00Z"}], weekStart: SUNDAY) {
			__typename value money { amount currency } comparisons { __typename kind range { from to } value difference ratio }
			range { __typename from to } zone complete asOf watermark exact definitionVersion sources } }
		b: metric(key: "mrr") { value(` + overMay + `, currency: "EUR") { value money { __typename amount currency } sources } } }`,
	"series": `query ($count: Int!, $by: Interval!) { metric(key: "active_users") {
		short: series(range: {last: {count: $count, interval: $by}}, interval: $by) { values complete at }
		long: series(` + overMay + `, interval: WEEK, movingAverage: 3, compare: {kind: PREVIOUS_PERIOD}) { ...all }
		until: series(` + overMay + `, asOf: "2026-05-20T00:00:00Z") { values sources } }
		metric2: metric(key: "events") { series(` + overMay + `) { ...all } } }
		fragment all on MetricSeries { at values complete movingAverage cumulative currency range { from to } interval zone ...of definitionVersion sources
			comparisons { __typename kind range { from to } at values differences ratios } }
		fragment of on Provenance { ... on MetricSeries { exact } asOf watermark }`,
	"breakdowns": `query ($top: Int = 2) { metric(key: "events") { breakdown(` + overMay + `, by: [{kind: PROPERTY, name: "region"}, {kind: ACCOUNT}], top: $top, interval: MONTH, compare: [{kind: LAST_MONTH}]) {
			__typename by { __typename kind name } groupCount at complete currency range { from to } zone asOf watermark exact definitionVersion sources
			rows { __typename keys value values comparisons { value ratio } } rest { keys value values comparisons { value } } total { keys value values comparisons { value } } } }
		metric2: metric(key: "active_users") { breakdown(` + overMay + `, by: {kind: TYPE}) { at complete rest { value } rows { keys value values } total { keys values } } } }`,
	"errors": `{ metric(key: "events") { value(range: {last: {count: 0, interval: DAY}}) { value } series(` + overMay + `) { values } } }`,
	"absent": `{ metric(key: "nothing") { value { value } } other: metric(key: "events") { value(` + overMay + `) { value } } }`,
	"left":   `{ metric(key: "events") { value(` + overMay + `, filter: {dimension: {kind: TYPE}, operator: IS_SET}) { value } } }`,
	"skips":  `query ($no: Boolean = true) { metric(key: "events") { value(` + overMay + `) { value zone @skip(if: $no) } } metric { value(` + overMay + `) { exact } } }`,
}

var asOfs = regexp.MustCompile(`"(asOf|watermark)":"[^"]*"`)

// What is executed in one go is answered as it is field by field, to the byte. A field that
// only the latter knows leads there.
func TestWidgetsAreAnsweredAsFieldsAre(t *testing.T) {
	s := begin(t)
	s.acme.Batch(t, sales...)
	variables := vars{"count": 3, "by": "DAY", "top": 1}
	for range 2 {
		for name, document := range figuresOfWidgets {
			document = strings.ReplaceAll(document, "metric { value", `metric(key: "events") { value`)
			at := strings.LastIndex(strings.Split(document, "fragment all")[0], "}")
			slow := document[:at] + ` zz: metric(key: "events") { dimensions } ` + document[at:]
			got, want := s.kit.Ask(t, s.acme.ReadKey, document, variables), s.kit.Ask(t, s.acme.ReadKey, slow, variables)
			data := asOfs.ReplaceAllString(string(got.Data), "$1")
			other := asOfs.ReplaceAllString(string(want.Data), "$1")
			if i := strings.Index(other, `,"zz":`); i >= 0 {
				other = other[:i] + "}"
			}
			wantEqual(t, name, data, other)
			wantEqual(t, name+": errors", len(got.Errors), len(want.Errors))
			if name != "errors" && name != "absent" && (len(got.Errors) > 0 || len(data) < 30) {
				t.Errorf("%s: %s %+v", name, data, got.Errors)
			}
		}
		materialize(t, s.kit)
	}
}
