package graph

import (
	"bytes"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// write appends what a field, or all fields of an object, are of something.
type write[T any] func(b []byte, of T) []byte

// fields are those of a type that are known here, by name: each makes a writer of what is
// selected below it.
type fields[T any] map[string]maker[T]

// maker makes the writer of a field.
type maker[T any] func(f *ast.Field) (write[T], bool)

// object makes the writer of an object with some of its fields.
func object[T any](selected ast.SelectionSet, typeName string, known fields[T]) (write[T], bool) {
	list, ok := flat(selected)
	if !ok {
		return nil, false
	}
	names, writers := make([]string, len(list)), make([]write[T], len(list))
	for i, f := range list {
		names[i] = f.Alias
		if f.Name == "__typename" {
			writers[i] = func(b []byte, _ T) []byte { return appendText(b, typeName) }
			continue
		}
		maker, there := known[f.Name]
		if !there {
			return nil, false
		}
		if writers[i], ok = maker(f); !ok {
			return nil, false
		}
	}
	return func(b []byte, of T) []byte {
		b = append(b, '{')
		for i, name := range names {
			b = writers[i](appendName(b, i, name), of)
		}
		return append(b, '}')
	}, true
}

// appendName begins a member of an object.
func appendName(b []byte, place int, name string) []byte {
	if place > 0 {
		b = append(b, ',')
	}
	b = append(b, '"') // a name has no character that needs care (GraphQL, 2.1.9)
	return append(append(b, name...), `":`...)
}

// leaf is a field without any below it.
func leaf[T any](w write[T]) maker[T] {
	return func(*ast.Field) (write[T], bool) { return w, true }
}

// nested is a field that is an object of another type.
func nested[T, U any](typeName string, known func() fields[U], get func(T) U) maker[T] {
	return func(f *ast.Field) (write[T], bool) {
		inner, ok := object(f.SelectionSet, typeName, known())
		return func(b []byte, of T) []byte { return inner(b, get(of)) }, ok
	}
}

// optional is nested where there may be none.
func optional[T, U any](typeName string, known func() fields[*U], get func(T) *U) maker[T] {
	return func(f *ast.Field) (write[T], bool) {
		inner, ok := object(f.SelectionSet, typeName, known())
		return func(b []byte, of T) []byte {
			if u := get(of); u != nil {
				return inner(b, u)
			}
			return append(b, "null"...)
		}, ok
	}
}

// each is a list of objects.
func each[T, U any](typeName string, known func() fields[*U], get func(T) []U) maker[T] {
	return func(f *ast.Field) (write[T], bool) {
		inner, ok := object(f.SelectionSet, typeName, known())
		return func(b []byte, of T) []byte {
			items := get(of)
			b = append(b, '[')
			for i := range items {
				b = inner(comma(b, i), &items[i])
			}
			return append(b, ']')
		}, ok
	}
}

func comma(b []byte, place int) []byte {
	if place > 0 {
		return append(b, ',')
	}
	return b
}

// listOf is a list of scalars; nullable ones are null where they are nil.
func listOf[T, V any](get func(T) []V, one write[V], nullable bool) maker[T] {
	return leaf(func(b []byte, of T) []byte {
		items := get(of)
		if nullable && items == nil {
			return append(b, "null"...)
		}
		b = append(b, '[')
		for i, item := range items {
			b = one(comma(b, i), item)
		}
		return append(b, ']')
	})
}

// As gqlgen writes them.

func appendFloat(b []byte, v *float64) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, *v, 'g', -1, 64)
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func appendText[S ~string](b []byte, text S) []byte {
	buffer := bytes.NewBuffer(b)
	graphql.MarshalString(string(text)).MarshalGQL(buffer)
	return buffer.Bytes()
}

func appendTextOrNull[S ~string](b []byte, text *S) []byte {
	if text == nil {
		return append(b, "null"...)
	}
	return appendText(b, *text)
}

func appendInstant(b []byte, at time.Time) []byte { return scalar.AppendStamped(b, at) }

// metricTable are the fields of a metric. Its figures become those of the plan.
func metricTable(plan *metricPlan) fields[metricFigures] {
	text := func(get func(*metric.Definition) string) maker[metricFigures] {
		return leaf(func(b []byte, m metricFigures) []byte { return appendText(b, get(m.of)) })
	}
	return fields[metricFigures]{
		"id":          text(func(d *metric.Definition) string { return nodeID(metricNode, d.Key) }),
		"key":         text(func(d *metric.Definition) string { return d.Key }),
		"name":        text(func(d *metric.Definition) string { return d.Name }),
		"description": text(func(d *metric.Definition) string { return d.Description }),
		"formula":     text(func(d *metric.Definition) string { return d.Formula }),
		"unit":        text(func(d *metric.Definition) string { return string(d.Unit) }),
		"direction":   text(func(d *metric.Definition) string { return string(d.Direction) }),
		"version":     leaf(func(b []byte, m metricFigures) []byte { return appendInt(b, m.of.Version) }),
		"additive":    leaf(func(b []byte, m metricFigures) []byte { return strconv.AppendBool(b, m.of.Additive) }),
		"custom":      leaf(func(b []byte, m metricFigures) []byte { return strconv.AppendBool(b, m.of.Custom) }),
		"value":       figure(plan, "MetricValue", valueFields, func(a metric.Answer) *metric.Value { return a.Value }),
		"series":      figure(plan, "MetricSeries", seriesFields, func(a metric.Answer) *metric.Series { return a.Series }),
		"breakdown":   figure(plan, "MetricBreakdown", breakdownFields, func(a metric.Answer) *metric.Breakdown { return a.Breakdown }),
	}
}

// figure is a field of a metric that has an answer of its own.
func figure[U any](plan *metricPlan, typeName string, known func() fields[*U], get func(metric.Answer) *U) maker[metricFigures] {
	return func(f *ast.Field) (write[metricFigures], bool) {
		place := len(plan.figures)
		plan.figures = append(plan.figures, figurePlan{f})
		inner, ok := object(f.SelectionSet, typeName, known())
		return func(b []byte, m metricFigures) []byte { return inner(b, get(m.answers[place])) }, ok
	}
}

// provenance are the fields that all figures have.
func provenance[T any](known fields[T], get func(T) *metric.Figure) fields[T] {
	known["range"] = nested("Range", rangeFields, func(of T) metric.Range { return get(of).Range() })
	known["zone"] = leaf(func(b []byte, of T) []byte { return appendText(b, get(of).ZoneName()) })
	known["asOf"] = leaf(func(b []byte, of T) []byte { return appendInstant(b, get(of).Watermark) })
	known["watermark"] = known["asOf"]
	known["exact"] = leaf(func(b []byte, of T) []byte { return strconv.AppendBool(b, get(of).Exact) })
	known["definitionVersion"] = leaf(func(b []byte, of T) []byte { return appendInt(b, get(of).DefinitionVersion()) })
	known["sources"] = listOf(func(of T) []metric.Source { return get(of).SourceNames() }, appendText[metric.Source], false)
	return known
}

func currencyField[T any](get func(T) *metric.Figure) maker[T] {
	return leaf(func(b []byte, of T) []byte { return appendTextOrNull(b, get(of).MoneyCurrency()) })
}

func rangeFields() fields[metric.Range] {
	return fields[metric.Range]{
		"from": leaf(func(b []byte, r metric.Range) []byte { return appendInstant(b, r.From) }),
		"to":   leaf(func(b []byte, r metric.Range) []byte { return appendInstant(b, r.To) }),
	}
}

func valueFields() fields[*metric.Value] {
	return provenance(fields[*metric.Value]{
		"value":       leaf(func(b []byte, v *metric.Value) []byte { return appendFloat(b, v.Value) }),
		"money":       optional("Money", moneyFields, (*metric.Value).Money),
		"comparisons": each("MetricComparison", comparedFields, func(v *metric.Value) []metric.ComparedValue { return v.Comparisons }),
		"complete":    leaf(func(b []byte, v *metric.Value) []byte { return strconv.AppendBool(b, v.Complete()) }),
	}, func(v *metric.Value) *metric.Figure { return &v.Figure })
}

func moneyFields() fields[*metric.Money] {
	return fields[*metric.Money]{
		"amount":   leaf(func(b []byte, m *metric.Money) []byte { return appendInt(b, m.Amount) }),
		"currency": leaf(func(b []byte, m *metric.Money) []byte { return appendText(b, m.Currency) }),
	}
}

func comparedFields() fields[*metric.ComparedValue] {
	return fields[*metric.ComparedValue]{
		"kind":       leaf(func(b []byte, c *metric.ComparedValue) []byte { return appendText(b, c.Kind) }),
		"range":      nested("Range", rangeFields, func(c *metric.ComparedValue) metric.Range { return c.Range }),
		"value":      leaf(func(b []byte, c *metric.ComparedValue) []byte { return appendFloat(b, c.Value) }),
		"difference": leaf(func(b []byte, c *metric.ComparedValue) []byte { return appendFloat(b, c.Difference) }),
		"ratio":      leaf(func(b []byte, c *metric.ComparedValue) []byte { return appendFloat(b, c.Ratio) }),
	}
}

func seriesFields() fields[*metric.Series] {
	type s = *metric.Series
	of := func(s s) *metric.Figure { return &s.Figure }
	return provenance(fields[s]{
		"at":            listOf(func(s s) []time.Time { return s.At }, appendInstant, false),
		"values":        listOf(func(s s) []*float64 { return s.Values }, appendFloat, false),
		"complete":      listOf(func(s s) []bool { return s.Complete }, strconv.AppendBool, false),
		"movingAverage": listOf(func(s s) []*float64 { return s.MovingAverage }, appendFloat, true),
		"cumulative":    listOf(func(s s) []*float64 { return s.Cumulative }, appendFloat, true),
		"comparisons":   each("MetricSeriesComparison", comparedSeriesFields, func(s s) []metric.ComparedSeries { return s.Comparisons }),
		"currency":      currencyField(of),
		"interval":      leaf(func(b []byte, s s) []byte { return appendText[calendar.Interval](b, s.Interval) }),
	}, of)
}

func comparedSeriesFields() fields[*metric.ComparedSeries] {
	type c = *metric.ComparedSeries
	return fields[c]{
		"kind":        leaf(func(b []byte, c c) []byte { return appendText(b, c.Kind) }),
		"range":       nested("Range", rangeFields, func(c c) metric.Range { return c.Range }),
		"at":          listOf(func(c c) []time.Time { return c.At }, appendInstant, false),
		"values":      listOf(func(c c) []*float64 { return c.Values }, appendFloat, false),
		"differences": listOf(func(c c) []*float64 { return c.Differences }, appendFloat, false),
		"ratios":      listOf(func(c c) []*float64 { return c.Ratios }, appendFloat, false),
	}
}

func breakdownFields() fields[*metric.Breakdown] {
	type d = *metric.Breakdown
	of := func(d d) *metric.Figure { return &d.Figure }
	return provenance(fields[d]{
		"by":         each("Dimension", dimensionFields, func(d d) []metric.Dimension { return d.By }),
		"rows":       each("MetricRow", rowFields, func(d d) []metric.Row { return d.Rows }),
		"rest":       optional("MetricRow", rowFields, func(d d) *metric.Row { return d.Rest }),
		"total":      optional("MetricRow", rowFields, func(d d) *metric.Row { return &d.Total }),
		"groupCount": leaf(func(b []byte, d d) []byte { return appendInt(b, d.Groups) }),
		"at":         listOf(func(d d) []time.Time { return d.At }, appendInstant, true),
		"complete":   listOf(func(d d) []bool { return d.Complete }, strconv.AppendBool, true),
		"currency":   currencyField(of),
	}, of)
}

func dimensionFields() fields[*metric.Dimension] {
	return fields[*metric.Dimension]{
		"kind": leaf(func(b []byte, d *metric.Dimension) []byte { return appendText(b, d.Kind) }),
		"name": leaf(func(b []byte, d *metric.Dimension) []byte { return appendTextOrNull(b, dimensionName(d)) }),
	}
}

func rowFields() fields[*metric.Row] {
	return fields[*metric.Row]{
		"keys":        listOf(func(r *metric.Row) []*string { return r.Keys }, appendTextOrNull[string], false),
		"value":       leaf(func(b []byte, r *metric.Row) []byte { return appendFloat(b, r.Value) }),
		"values":      listOf(func(r *metric.Row) []*float64 { return r.Values }, appendFloat, true),
		"comparisons": each("MetricComparison", comparedFields, func(r *metric.Row) []metric.ComparedValue { return r.Comparisons }),
	}
}
