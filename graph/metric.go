package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// asking is what value, series and breakdown have in common.
type asking struct {
	window    *model.RangeInput
	zone      *string
	weekStart *model.Weekday
	filter    *model.FilterInput
	compare   []metric.Comparison
	asOf      *time.Time
	currency  *string
}

// ask turns arguments into a question's.
func (a asking) ask() (metric.Ask, error) {
	ask, err := askOf(a.window, a.zone)
	if err != nil {
		return ask, err
	}
	ask.WeekStart, ask.Compare, ask.AsOf = weekdayOf(a.weekStart), a.compare, a.asOf
	if a.currency != nil {
		if ask.Currency = *a.currency; ask.Currency == "" {
			return ask, fault.Input("currency", "It is a code of ISO 4217, such as EUR.")
		}
	}
	ask.Filter, err = metricFilter(a.filter, "filter")
	return ask, err
}

// question asks for figures of a metric, and for the entities that are asked for below the
// field, or below some of its fields.
func (a asking) question(ctx context.Context, of *metric.Definition, below ...string) (*metric.Question, error) {
	q := &metric.Question{Of: of}
	var err error
	if q.Ask, err = a.ask(); err != nil {
		return q, err
	}
	q.Lists, err = listAsks(ctx, below...)
	return q, err
}

// answered is the answer to a question, read together with those of other fields.
func answered(ctx context.Context, q *metric.Question, err error) (metric.Answer, error) {
	if err != nil {
		return metric.Answer{}, err
	}
	return loader.From(ctx).Figures.Load(ctx, q)()
}

// metricFilter turns the input into a tree. How deep it may be is bounded by the document's tokens
// and by the depth of variables, and checked by the metric.
func metricFilter(in *model.FilterInput, field string) (*metric.Filter, error) {
	if in == nil {
		return nil, nil
	}
	f := &metric.Filter{}
	var err error
	if f.And, err = metricFilters(in.And, field+".and"); err != nil {
		return nil, err
	}
	if f.Or, err = metricFilters(in.Or, field+".or"); err != nil {
		return nil, err
	}
	if f.Not, err = metricFilter(in.Not, field+".not"); err != nil {
		return nil, err
	}
	f.Is, err = metricCondition(in, field)
	return f, err
}

func metricFilters(in []model.FilterInput, field string) ([]metric.Filter, error) {
	if in == nil {
		return nil, nil
	}
	list := make([]metric.Filter, len(in))
	for i := range in {
		f, err := metricFilter(&in[i], fmt.Sprintf("%s[%d]", field, i))
		if err != nil {
			return nil, err
		}
		list[i] = *f
	}
	return list, nil
}

func metricCondition(in *model.FilterInput, field string) (*metric.Condition, error) {
	if in.Dimension == nil && in.Operator == nil && in.Values == nil {
		return nil, nil
	}
	if in.Dimension == nil || in.Operator == nil {
		return nil, fault.Input(field, "A condition takes a dimension and an operator.")
	}
	c := &metric.Condition{Dimension: dimensionOf(*in.Dimension), Operator: *in.Operator}
	if c.Dimension.Kind == metric.ByCohort {
		var err error
		c.Values, err = cohortValues(in.Values, field+".values")
		return c, err
	}
	var err error
	c.Values, err = valuesOf(in.Values, field)
	return c, err
}

func valuesOf(list []json.RawMessage, field string) (values []any, err error) {
	for _, raw := range list {
		v, err := valueOf(raw)
		if err != nil {
			return nil, fault.Input(field+".values", "Text, numbers, true and false can be compared.")
		}
		values = append(values, v)
	}
	return values, nil
}

// valueOf reads a value that can be compared: its number is as exact as it was written.
func valueOf(raw json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	switch v.(type) {
	case string, json.Number, bool:
		return v, nil
	}
	return nil, fmt.Errorf("a %T cannot be compared", v)
}

// cohortValues reads ids of cohorts.
func cohortValues(list []json.RawMessage, field string) ([]any, error) {
	values := make([]any, len(list))
	for i, raw := range list {
		var id string
		if err := json.Unmarshal(raw, &id); err != nil {
			return nil, fault.Input(field, "A cohort is named by its id.")
		}
		number, err := numberOf(cohortNode, field, id)
		if err != nil {
			return nil, fault.Input(field, "There is no such cohort.")
		}
		values[i] = decimal(number)
	}
	return values, nil
}

func dimensionOf(in model.DimensionInput) metric.Dimension {
	if id := orEmpty(in.Name); in.Kind == metric.ByCohort && id != "" {
		number, err := numberOf(cohortNode, "name", id)
		if err != nil {
			number = 0 // which no cohort has
		}
		return metric.Dimension{Kind: in.Kind, Name: decimal(number)}
	}
	return metric.Dimension{Kind: in.Kind, Name: orEmpty(in.Name)}
}

// dimensionName is the name as it is asked for: of a cohort its id; nil: it has none.
func dimensionName(d *metric.Dimension) *string {
	name := d.Name
	if number, ok := parseNumber(name); ok && d.Kind == metric.ByCohort {
		name = numberID(cohortNode, number)
	}
	if name == "" {
		return nil
	}
	return &name
}

func dimensionsOf(in []model.DimensionInput) []metric.Dimension {
	list := make([]metric.Dimension, len(in))
	for i, d := range in {
		list[i] = dimensionOf(d)
	}
	return list
}

// smoothOf is how many buckets a moving average goes over; a wrong number is told by the
// metric.
func smoothOf(buckets *int) int {
	switch {
	case buckets == nil:
		return 0
	case *buckets == 0:
		return -1
	}
	return *buckets
}
