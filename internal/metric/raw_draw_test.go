package metric_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// values are such as senders think of. None writes one number in two ways: these would be two
// groups.
var values = []any{
	"EU", "eu", "e'\"\\u", "a.b*c[0]", "7", "", "Größe", "100%", "2026-03-01", 7, -3, 2.5, 1e15, true, false, nil,
	[]string{"EU"}, map[string]any{"x": "y"},
}

// names lead to properties, also within others and to what there never is.
var names = []string{"region", "plan.tier", "we\"ird $.'name", "größe", "plan", "region.x", "nothing"}

func drawFacts(t *rapid.T, s stretch) []fact {
	history := drawHistory(t, s)
	history = history[:min(len(history), 24)]
	value := rapid.SampledFrom(values)
	facts := make([]fact, len(history))
	for i, e := range history {
		e.at = e.at.Add(time.Duration(i) * time.Millisecond) // who is first is never in doubt
		f := fact{happened: e, source: rapid.SampledFrom([]string{"default", "web"}).Draw(t, "source")}
		if e.group != "" && rapid.IntRange(0, 3).Draw(t, "group call") == 0 && e.kind != event.Alias {
			f.kind = event.Group
		}
		f.properties = map[string]any{
			"region": value.Draw(t, "region"), "plan": map[string]any{"tier": value.Draw(t, "tier")},
			"n": rapid.SampledFrom([]any{1, 2, 3.25, -4, "5", 1e15, nil}).Draw(t, "n"),
		}
		for _, name := range []string{"we\"ird $.'name", "größe"} {
			if rapid.Bool().Draw(t, "has "+name) {
				f.properties[name] = value.Draw(t, name)
			}
		}
		f.context = map[string]any{"os": map[string]any{"name": rapid.SampledFrom([]any{"iOS", "Android", 1, nil}).Draw(t, "os")}}
		if f.kind == event.Identify || f.kind == event.Group {
			f.traits = map[string]any{"tier": rapid.SampledFrom([]any{"gold", "silver", 1}).Draw(t, "trait")}
			f.properties = f.traits // what such a call shows
		}
		facts[i] = f
	}
	return facts
}

var dimensions = rapid.Custom(func(t *rapid.T) metric.Dimension {
	d := metric.Dimension{Kind: rapid.SampledFrom([]metric.DimensionKind{
		metric.ByType, metric.BySource, metric.ByAccount, metric.ByProperty, metric.ByProperty, metric.ByProperty,
		metric.ByContext, metric.ByUserTrait, metric.ByAccountTrait,
	}).Draw(t, "kind")}
	switch d.Kind {
	case metric.ByProperty:
		d.Name = rapid.SampledFrom(names).Draw(t, "name")
	case metric.ByContext:
		d.Name = "os.name"
	case metric.ByUserTrait, metric.ByAccountTrait:
		d.Name = "tier"
	}
	return d
})

// drawCondition compares with what there may be.
func drawCondition(t *rapid.T) metric.Filter {
	c := &metric.Condition{
		Dimension: dimensions.Draw(t, "dimension"),
		Operator: rapid.SampledFrom([]metric.Operator{
			metric.Equals, metric.Equals, metric.NotEquals, metric.Contains, metric.StartsWith, metric.GreaterThan,
			metric.AtLeast, metric.LessThan, metric.AtMost, metric.IsSet, metric.IsNotSet,
		}).Draw(t, "operator"),
	}
	text := rapid.SampledFrom([]any{"EU", "e", "e'\"\\u", ".b*", "GRÖSS", "größe", "", "7", "Opened", "P", "web", "a1", "gold", "iOS", "$", "%"})
	number := rapid.SampledFrom([]any{json.Number("7"), json.Number("7.0"), json.Number("-3"), json.Number("2.5"), json.Number("1e15"), json.Number("1")})
	switch c.Operator {
	case metric.IsSet, metric.IsNotSet:
	case metric.Contains, metric.StartsWith:
		c.Values = []any{text.Draw(t, "text")}
	case metric.Equals, metric.NotEquals:
		one := rapid.OneOf(text, text, number, rapid.SampledFrom([]any{true, false}))
		c.Values = rapid.SliceOfN(one, 1, 3).Draw(t, "values")
	default:
		c.Values = []any{rapid.OneOf(text, number).Draw(t, "bound")}
	}
	return metric.Filter{Is: c}
}

func drawFilter(t *rapid.T, depth int) metric.Filter {
	shape := 0
	if depth > 0 {
		shape = rapid.IntRange(0, 5).Draw(t, "shape")
	}
	list := func() []metric.Filter {
		parts := make([]metric.Filter, rapid.IntRange(1, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = drawFilter(t, depth-1)
		}
		return parts
	}
	switch shape {
	case 3:
		return metric.Filter{And: list()}
	case 4:
		return metric.Filter{Or: list()}
	case 5:
		part := drawFilter(t, depth-1)
		return metric.Filter{Not: &part}
	}
	return drawCondition(t)
}

func drawMaybe(t *rapid.T) *metric.Filter {
	if rapid.IntRange(0, 2).Draw(t, "filtered") == 0 {
		return nil
	}
	f := drawFilter(t, 3)
	return &f
}

// asked is a question, and how to recount it.
type asked struct {
	metric.Question
	measure metric.Measure
	first   bool // new users, and no measure
}

func drawAsked(t *rapid.T, s stretch) asked {
	a := asked{Question: metric.Question{Ask: drawAsk(t, s)}}
	a.Filter = drawMaybe(t)
	if a.first = rapid.IntRange(0, 5).Draw(t, "new users") == 0; a.first {
		a.Of = metric.Builtin()[2]
	} else {
		a.measure = drawMeasure(t)
		r := a.measure.Reader()
		a.Of = &metric.Definition{Key: "m", Permission: access.ReadMetrics, Needs: []metric.Column{{Reader: r, Name: "value"}}, Entities: a.measure.Entities(r)}
	}
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		a.Series = true
	case 1:
		a.Interval = ""
	default:
		a.By = rapid.SliceOfNDistinct(dimensions, 1, 3, rapid.ID[metric.Dimension]).Draw(t, "by")
		a.Top = rapid.IntRange(1, 4).Draw(t, "top")
		if rapid.Bool().Draw(t, "whole") {
			a.Interval = ""
		}
	}
	return a
}

func drawMeasure(t *rapid.T) metric.Measure {
	m := metric.Measure{Aggregation: rapid.SampledFrom([]metric.Aggregation{
		metric.Count, metric.Count, metric.UniqueUsers, metric.UniqueUsers, metric.UniqueAccounts,
		metric.Sum, metric.Average, metric.Minimum, metric.Maximum, metric.Percentile,
	}).Draw(t, "aggregation")}
	switch m.Aggregation {
	case metric.Count, metric.UniqueUsers, metric.UniqueAccounts:
	case metric.Percentile:
		m.Percentile = rapid.SampledFrom([]float64{0.25, 0.5, 0.9}).Draw(t, "percentile")
		fallthrough
	default:
		m.Property = rapid.SampledFrom([]string{"n", "region", "plan.tier"}).Draw(t, "property")
	}
	m.Types = rapid.SampledFrom([][]string{nil, nil, {"Opened"}, {"Paid", "Shared", event.Identify}}).Draw(t, "types")
	if rapid.IntRange(0, 3).Draw(t, "own filter") == 0 {
		m.Filter = drawMaybe(t)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

func (a asked) describe() string {
	filter, _ := json.Marshal(a.Filter)
	of, _ := json.Marshal(a.measure)
	return fmt.Sprintf("measure %s (new users %t) of %v to %v, zone %q, by %v, filter %s, as of %v", of, a.first, a.From, a.To, a.Zone, a.By, filter, a.AsOf)
}

// narrow lets a caller see some events, people and accounts, and tells the same to the model.
func narrow(t *rapid.T, m *model) *access.Rows {
	var c access.Conditions
	regions := rapid.SliceOfN(rapid.SampledFrom([]any{"EU", "eu", "7", json.Number("7"), true}), 1, 3).Draw(t, "seen regions")
	c.Events = []access.Condition{{Property: []string{"region"}, In: regions}}
	in := func(v any) func(any) bool { return func(r any) bool { return order(v, r) == "=" } }
	m.see = func(f fact) bool { return slices.ContainsFunc(regions, in(f.properties["region"])) }
	m.people = func(map[string]any) bool { return false }
	m.groups = func(string, map[string]any) bool { return false }
	if rapid.Bool().Draw(t, "sees people") {
		c.People = []access.Condition{{Trait: "tier", In: []any{"gold", json.Number("1")}}}
		m.people = func(traits map[string]any) bool {
			return order(traits["tier"], "gold") == "=" || order(traits["tier"], 1) == "="
		}
	}
	if rapid.Bool().Draw(t, "sees accounts") {
		c.Accounts = []access.Condition{{Group: "account", In: []any{"a1"}}}
		m.groups = func(name string, _ map[string]any) bool { return name == "a1" }
	}
	rows, err := access.NewRows(c)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
