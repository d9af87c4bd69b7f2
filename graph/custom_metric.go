package graph

import (
	"context"
	"math"
	"strconv"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// findMetric finds a metric of a key: those of a request that the tenant has defined together.
func (r *Resolver) findMetric(ctx context.Context, key string) (*metric.Definition, error) {
	if r.MetricService.Builtin(key) {
		return r.MetricService.FindShown(ctx, key)
	}
	d, err := loader.From(ctx).Metric.Load(ctx, key)()
	if err == nil && d == nil {
		return nil, metric.ErrNone
	}
	return d, err
}

// metricDraft turns the input into what is to be saved.
func metricDraft(in model.MetricInput) (definition.Draft, error) {
	d := definition.Draft{Name: in.Name, Description: in.Description, Direction: in.Direction, Formula: in.Formula}
	if in.Unit != nil {
		d.Unit = *in.Unit
	}
	if in.Events == nil {
		return d, nil
	}
	m := &metric.Measure{Types: in.Events.Types, Aggregation: in.Events.Aggregation, Property: orEmpty(in.Events.Property)}
	if p := in.Events.Percentile; p != nil {
		if m.Percentile = *p; *p == 0 {
			return d, fault.Input("input.events.percentile", "It is above 0 and below 1.")
		}
	}
	d.Events = m
	var err error
	m.Filter, err = metricFilter(in.Events.Filter, "input.events.filter")
	return d, err
}

// explaining makes a question one for a breakdown or a series, as it is given.
func explaining(q *metric.Question, interval *calendar.Interval, by []model.DimensionInput) *metric.Question {
	if interval != nil {
		q.Interval, q.Series = *interval, by == nil
	}
	if by != nil {
		q.By, q.Top = dimensionsOf(by), explainedGroups
	}
	return q
}

// explainedGroups is how many groups a breakdown shows unless it is said.
const explainedGroups = 10

func (r *Resolver) metricVersions(ctx context.Context, of *metric.Definition, first int, after *string) (*model.MetricVersionConnection, error) {
	before, err := placeOf(after, func(key string) (int, bool) {
		n, err := strconv.ParseInt(key, 10, 32)
		return int(n), err == nil
	})
	if err != nil {
		return nil, err
	}
	key := loader.VersionsKey{Metric: of.Key, First: first, Before: math.MaxInt32}
	if before != nil {
		key.Before = *before
	}
	var list []definition.Version
	if of.Custom {
		if list, err = loader.From(ctx).MetricVersions.Load(ctx, key)(); err != nil {
			return nil, err
		}
	}
	c := &model.MetricVersionConnection{}
	more := len(list) > first
	c.Edges, c.Nodes, c.PageInfo = connect[model.MetricVersionEdge](ctx, list[:min(len(list), max(first, 0))], more, after,
		func(v *definition.Version) string { return strconv.Itoa(v.Number) })
	return c, nil
}

// shownDefinition hides what is known of users from those who may not see it.
func shownDefinition(ctx context.Context, v *definition.Version) ([]byte, error) {
	personal, err := v.Personal()
	if who, _ := access.From(ctx); err != nil || personal && !who.May(access.ReadPII) {
		return nil, err
	}
	return v.Definition, nil
}
