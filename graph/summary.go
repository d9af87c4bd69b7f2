package graph

import (
	"context"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/summary"
)

// parseDay reads a key that is a day, in the one form that we write.
func parseDay(key string) (calendar.Date, bool) {
	d, err := calendar.ParseDate(key)
	return d, err == nil && d.String() == key
}

func summaryConnection(ctx context.Context, page summary.Page[summary.Summary], after *string) *model.MetricSummaryConnection {
	c := &model.MetricSummaryConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.MetricSummaryEdge](ctx, page.Items, page.More, after,
		func(s *summary.Summary) string { return s.Start.String() })
	return c
}

func restatementConnection(ctx context.Context, page summary.Page[summary.Restatement], after *string) *model.RestatementConnection {
	c := &model.RestatementConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.RestatementEdge](ctx, page.Items, page.More, after,
		func(r *summary.Restatement) string { return r.ID.String() })
	return c
}

// maxViews is how many views one page may have.
const maxViews = 100

func viewConnection(ctx context.Context, all []metric.View, first int, after *string) (*model.MaterializedViewConnection, error) {
	if first < 1 || first > maxViews {
		return nil, fault.Input("first", "Between 1 and %d are allowed.", maxViews)
	}
	named := func(key string) int {
		return slices.IndexFunc(all, func(v metric.View) bool { return v.Name == key })
	}
	last, err := placeOf(after, func(key string) (int, bool) { i := named(key); return i, i >= 0 })
	if err != nil {
		return nil, err
	}
	if last != nil {
		all = all[*last+1:]
	}
	c := &model.MaterializedViewConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.MaterializedViewEdge](ctx, all[:min(first, len(all))], len(all) > first, after,
		func(v *metric.View) string { return v.Name })
	return c, nil
}

func toSummarySeries(period summary.Period, list []summary.Summary) *model.MetricSummarySeries {
	s := &model.MetricSummarySeries{
		Period: period, Starts: make([]calendar.Date, len(list)), Values: make([]*float64, len(list)),
		Restated: make([]int, len(list)), Exact: make([]bool, len(list)),
	}
	for i, one := range list {
		s.Starts[i], s.Values[i], s.Restated[i], s.Exact[i] = one.Start, one.Value, one.Version-1, one.Exact
	}
	return s
}

// historyOf gives all that a figure ever was; those of one page are read together.
func historyOf(ctx context.Context, one *summary.Summary) ([]summary.Summary, error) {
	list, err := loader.From(ctx).SummaryHistory.Load(ctx, one.Place())()
	if err != nil || list == nil {
		return []summary.Summary{}, err
	}
	return *list, nil
}

func restatementsOf(ctx context.Context, one *summary.Summary) ([]summary.Restatement, error) {
	history, err := historyOf(ctx, one)
	list := []summary.Restatement{}
	for _, s := range history {
		if s.Version > 1 {
			list = append(list, summary.Restatement{Summary: s})
		}
	}
	return list, err
}

// nodeIDs makes ids of what is named as kind:key.
func nodeIDs(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		kind, key, _ := strings.Cut(name, ":")
		ids[i] = nodeID(kind, key)
	}
	return ids
}

func (r *Resolver) findSummary(ctx context.Context, key string) (model.Node, error) {
	id, err := parseUUID(key)
	if err != nil {
		return nil, err
	}
	one, err := r.SummaryService.ByID(ctx, id)
	return found(&one, err)
}
