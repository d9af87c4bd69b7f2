package metric_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Who sees some rows alone is told how their own answer is found: from the events that they see, for
// want of anything that is kept for their conditions. It says nothing of the rest, not even how many
// rows there are of it.
func TestWhoSeesSomeRowsIsToldHowTheseAreRead(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	const seen, hidden = 3, 400
	var events []event.Incoming
	for i := range seen + hidden {
		region := "EU"
		if i >= seen {
			region = "US"
		}
		events = append(events, event.Incoming{
			MessageID: fmt.Sprint(i), Type: "Opened", UserID: fmt.Sprint("user", i), Timestamp: day(3, 1+i%3, 12),
			Properties: fmt.Appendf(nil, `{"region": %q, "n": %d}`, region, i),
		})
	}
	w.sent(t, id, events...)
	w.closeDays(t)
	rows, err := access.NewRows(access.Conditions{Events: []access.Condition{{Property: []string{"region"}, In: []any{"EU"}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}
	some := all
	some.Rows = rows

	definitions := metric.Builtin()
	for _, m := range []metric.Measure{{Aggregation: metric.Sum, Property: "n"}, {Aggregation: metric.UniqueAccounts}} {
		r := m.Reader()
		definitions = append(definitions, &metric.Definition{Key: string(m.Aggregation), Permission: access.ReadMetrics, Needs: []metric.Column{{Reader: r, Name: "value"}}})
	}
	for _, d := range definitions {
		ask := between(day(3, 1, 0), day(3, 4, 0), calendar.Day)
		questions := []*metric.Question{{Of: d, Ask: ask, Series: true}}
		if slices.Contains(d.Dimensions(), metric.ByProperty) {
			questions = append(questions, &metric.Question{Of: d, Ask: ask, By: []metric.Dimension{{Kind: metric.ByProperty, Name: "region"}}, Top: 3})
		}
		answers, told, err := w.metrics.Explain(access.With(t.Context(), some), questions)
		if err != nil {
			t.Fatalf("%s: %v", d.Key, err)
		}
		if !slices.Equal(told.SourceNames(), []metric.Source{metric.SourceRaw}) || len(told.Readings) == 0 {
			t.Errorf("%s is read from %v: %+v", d.Key, told.SourceNames(), told)
		}
		for _, r := range told.Readings {
			wantReading(t, d.Key, r, seen)
		}
		again := w.metrics.Answer(access.With(t.Context(), some), questions)
		for i := range again {
			if got, want := figuresOf(answers[i]), figuresOf(again[i]); got != want {
				t.Errorf("%s: explained %s, answered %s", d.Key, got, want)
			}
		}
	}
	// Somebody who sees all is told of what is kept.
	_, told, err := w.metrics.Explain(access.With(t.Context(), all), []*metric.Question{{Of: definitions[0], Ask: between(day(3, 1, 0), day(3, 4, 0), "")}})
	if err != nil || !slices.Equal(told.Readings[0].Reasons, []metric.Reason{metric.ClosedDays}) || told.Blocks == 0 {
		t.Errorf("for all: %+v, %v", told, err)
	}
}

func wantReading(t *testing.T, key string, r metric.Reading, seen int) {
	t.Helper()
	if len(r.Reasons) == 0 || r.Reasons[0] != metric.ByRowConditions {
		t.Errorf("%s is read so for %v", key, r.Reasons)
	}
	for _, s := range r.Statements {
		if s.Rows > seen || s.Blocks > 0 || !slices.Contains(s.Tables, "event") {
			t.Errorf("%s: %s tells of %d rows and %d blocks of %v, and %d events are seen", key, s.Name, s.Rows, s.Blocks, s.Tables, seen)
		}
	}
}

// figuresOf writes what was answered for comparing.
func figuresOf(a metric.Answer) (text string) {
	list := func(values []*float64) {
		for _, v := range values {
			text += fmt.Sprint(show(v), " ")
		}
	}
	switch {
	case a.Series != nil:
		list(a.Series.Values)
	case a.Breakdown != nil:
		for _, row := range append(a.Breakdown.Rows, a.Breakdown.Total) {
			list([]*float64{row.Value})
		}
	}
	return text
}
