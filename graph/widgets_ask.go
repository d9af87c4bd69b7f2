package graph

import (
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// figurePlan is a field "value", "series" or "breakdown".
type figurePlan struct{ field *ast.Field }

// question reads the field's arguments. It leaves filters, and all that is not as it should be,
// to the schema.
func (p figurePlan) question(of *metric.Definition, variables map[string]any) (*metric.Question, bool) {
	in := arguments{p.field.ArgumentMap(variables), true}
	var a asking
	a.window, a.zone, a.weekStart = in.window("range"), in.text("zone"), in.weekday("weekStart")
	a.compare, a.asOf, a.currency = in.comparisons("compare"), in.instant("asOf"), in.text("currency")
	in.without("filter")
	ask, err := a.ask()
	q := &metric.Question{Of: of, Ask: ask}
	interval := in.interval("interval")
	switch p.field.Name {
	case "series":
		q.Series, q.Smooth = true, smoothOf(in.number("movingAverage"))
		in.ok = in.ok && interval != nil
	case "breakdown":
		q.By, q.Top = in.dimensions("by"), in.need(in.number("top"))
	}
	if interval != nil {
		q.Interval = *interval
	}
	return q, in.ok && err == nil
}

// arguments are a field's, by name, with variables in their places. It is not ok once one was
// read that is not as the schema has it.
type arguments struct {
	given map[string]any
	ok    bool
}

// get is an argument, unless it is absent or null.
func (in *arguments) get(name string) (any, bool) {
	v, there := in.given[name]
	return v, there && v != nil
}

func (in *arguments) without(name string) {
	if _, there := in.get(name); there {
		in.ok = false
	}
}

func (in *arguments) text(name string) *string {
	v, there := in.get(name)
	if !there {
		return nil
	}
	text, ok := v.(string)
	in.ok = in.ok && ok
	return &text
}

func (in *arguments) number(name string) *int {
	v, there := in.get(name)
	if !there {
		return nil
	}
	n, err := scalar.UnmarshalInt(v)
	in.ok = in.ok && err == nil
	return &n
}

func (in *arguments) need(n *int) int {
	if n == nil {
		in.ok = false
		return 0
	}
	return *n
}

func (in *arguments) instant(name string) *time.Time {
	v, there := in.get(name)
	if !there {
		return nil
	}
	at, err := scalar.UnmarshalDateTime(v)
	in.ok = in.ok && err == nil
	return &at
}

func (in *arguments) interval(name string) *calendar.Interval {
	text := in.text(name)
	if text == nil {
		return nil
	}
	interval := calendar.Interval(*text)
	in.ok = in.ok && interval.Valid()
	return &interval
}

func (in *arguments) weekday(name string) *model.Weekday {
	text := in.text(name)
	if text == nil {
		return nil
	}
	day := model.Weekday(*text)
	in.ok = in.ok && day.IsValid()
	return &day
}

// inner reads an argument that is an object.
func (in *arguments) inner(name string) *arguments {
	v, there := in.get(name)
	if !there {
		return nil
	}
	object, ok := v.(map[string]any)
	in.ok = in.ok && ok
	return &arguments{object, true}
}

func (in *arguments) window(name string) *model.RangeInput {
	object := in.inner(name)
	if object == nil {
		return nil
	}
	window := &model.RangeInput{From: object.instant("from"), To: object.instant("to")}
	if last := object.inner("last"); last != nil {
		interval := last.interval("interval")
		object.ok = object.ok && interval != nil
		if interval != nil {
			window.Last = &model.LastInput{Count: last.need(last.number("count")), Interval: *interval}
		}
		object.ok = object.ok && last.ok
	}
	in.ok = in.ok && object.ok
	return window
}

// list reads an argument that is a list of objects, or a single one in its place.
func (in *arguments) list(name string) (objects []*arguments) {
	v, there := in.get(name)
	if !there {
		return nil
	}
	items, many := v.([]any)
	if !many {
		items = []any{v}
	}
	for _, item := range items {
		object, ok := item.(map[string]any)
		in.ok = in.ok && ok
		objects = append(objects, &arguments{object, true})
	}
	return objects
}

func (in *arguments) comparisons(name string) (list []metric.Comparison) {
	for _, object := range in.list(name) {
		c := metric.Comparison{From: object.instant("from"), To: object.instant("to")}
		if kind := object.text("kind"); kind != nil {
			c.Kind = metric.ComparisonKind(*kind)
		}
		in.ok = in.ok && object.ok && c.Kind != ""
		list = append(list, c)
	}
	return list
}

func (in *arguments) dimensions(name string) []metric.Dimension {
	list := []metric.Dimension{}
	for _, object := range in.list(name) {
		d := model.DimensionInput{Name: object.text("name")}
		if kind := object.text("kind"); kind != nil {
			d.Kind = metric.DimensionKind(*kind)
		}
		in.ok = in.ok && object.ok && d.Kind != ""
		list = append(list, dimensionOf(d))
	}
	return list
}
