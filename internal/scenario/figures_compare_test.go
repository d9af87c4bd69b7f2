package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// comparedFigures asks for all that a value and a series say beside their figures.
const comparedFigures = `
query ($compare: [ComparisonInput!]) {
	metric(key: "events") {
		value(range: { from: "2025-03-29T23:00:00Z", to: "2025-03-31T22:00:00Z" }, compare: $compare) {
			value money { amount currency } definitionVersion sources complete
			comparisons { kind range { from to } value difference ratio }
		}
		series(range: { from: "2025-03-29T23:00:00Z", to: "2025-03-31T22:00:00Z" }, movingAverage: 2, compare: $compare) {
			values movingAverage cumulative currency definitionVersion sources
			comparisons { kind range { from to } at values differences ratios }
		}
	}
}`

type compared struct {
	Kind                     string
	Range                    span
	Value, Difference, Ratio *float64
}

type comparedAnswer struct {
	Metric struct {
		Value struct {
			Value             float64
			Money             *struct{ Amount int }
			DefinitionVersion int
			Sources           []string
			Complete          bool
			Comparisons       []compared
		}
		Series struct {
			Values, MovingAverage, Cumulative []*float64
			Currency                          *string
			DefinitionVersion                 int
			Sources                           []string
			Comparisons                       []struct {
				Kind                        string
				Range                       span
				At                          []time.Time
				Values, Differences, Ratios []*float64
			}
		}
	}
}

// The 30th and 31st of March had 2 and 3 events in Berlin, and the two days before 1 and 3.
func TestFiguresAreCompared(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, march...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	compare := map[string]any{"compare": []map[string]any{
		{"kind": "PREVIOUS_PERIOD"}, {"kind": "LAST_WEEK"},
		{"kind": "RANGE", "from": "2025-03-29T23:00:00Z", "to": "2025-03-30T22:00:00Z"},
	}}
	for _, source := range []string{"OPEN", "MATERIALIZED OPEN"} { // nothing is materialized of days without events
		var got comparedAnswer
		s.acme.Query(t, comparedFigures, compare, &got)
		value, series := got.Metric.Value, got.Metric.Series
		wantEqual(t, "value", value.Value, 5.0)
		wantEqual(t, "sources", strings.Join(value.Sources, " "), source)
		wantEqual(t, "definitionVersion", value.DefinitionVersion+series.DefinitionVersion, 2)
		wantEqual(t, "comparisons", texted(value.Comparisons), []string{
			"PREVIOUS_PERIOD 2025-03-27T23:00:00Z 4 1 0.25",
			"LAST_WEEK 2025-03-22T23:00:00Z 0 5 null", // a change from 0
			"RANGE 2025-03-29T23:00:00Z 2 3 1.5",
		})
		wantEqual(t, "values", numbers(series.Values), "2 3")
		wantEqual(t, "movingAverage", numbers(series.MovingAverage), "2.5 2.5")
		wantEqual(t, "cumulative", numbers(series.Cumulative), "2 5")
		wantEqual(t, "series before", numbers(series.Comparisons[0].Values), "1 3")
		wantEqual(t, "differences", numbers(series.Comparisons[0].Differences), "1 0")
		wantEqual(t, "ratios", numbers(series.Comparisons[0].Ratios), "1 0")
		wantEqual(t, "a shorter range", numbers(series.Comparisons[2].Values), "2 null")
		if value.Money != nil || series.Currency != nil {
			t.Error("events are no money")
		}
		materialize(t, s.kit)
	}
	var none comparedAnswer
	s.globex.Query(t, comparedFigures, compare, &none)
	wantEqual(t, "of a stranger", none.Metric.Value.Value, 0.0)
}

// Twelve widgets take one round of statements for each distinct need, and not twelve.
func TestWidgetsShareWhatTheyNeed(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, march[:1]...), "ACCEPTED")
	var query strings.Builder
	query.WriteString("{")
	for i := range 6 {
		fmt.Fprintf(&query, `a%d: metric(key: "events") { series(range: { last: { count: 90, interval: DAY } }) { values } }`, i)
		fmt.Fprintf(&query, `b%d: metric(key: "active_users") { value(compare: { kind: PREVIOUS_PERIOD }) { value } }`, i)
	}
	query.WriteString("}")
	var answer map[string]any
	s.acme.Query(t, query.String(), nil, &answer) // from now on it is known that no day is closed
	s.kit.Statements.Take()
	s.acme.Query(t, query.String(), nil, &answer)
	wantEqual(t, "statements", s.kit.Statements.TakeForAnswers(), map[string]int{
		"TenantGet": 1, "ClosedDayList": 1, "EventCountByBucket": 1,
		"PresenceDistinctByCutBucket": 1, // the period before ends within a quarter hour
	})
}

func texted(list []compared) (texts []string) {
	for _, c := range list {
		texts = append(texts, c.Kind+" "+c.Range.From.Format(time.RFC3339)+" "+numbers([]*float64{c.Value, c.Difference, c.Ratio}))
	}
	return texts
}

func numbers(list []*float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = "null"
		if v != nil {
			texts[i] = fmt.Sprint(*v)
		}
	}
	return strings.Join(texts, " ")
}
