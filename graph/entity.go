package graph

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// listAsks finds the pages of entities that are asked for below the field at hand, so that
// they are read from the same snapshot as the figure: under each of the paths, such as rows.
func listAsks(ctx context.Context, paths ...string) (asks []metric.ListAsk, err error) {
	operation := graphql.GetOperationContext(ctx)
	fields := graphql.CollectFieldsCtx(ctx, figureTypes)
	if len(paths) > 0 {
		var below []graphql.CollectedField
		for _, field := range fields {
			if slices.Contains(paths, field.Name) {
				below = append(below, graphql.CollectFields(operation, field.Selections, figureTypes)...)
			}
		}
		fields = below
	}
	for _, field := range fields {
		if field.Name != "entities" {
			continue
		}
		ask, err := askOfField(field.ArgumentMap(operation.Variables))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(asks, ask) {
			asks = append(asks, ask)
		}
	}
	return asks, nil
}

// figureTypes are the types that fragments below a figure may be on.
var figureTypes = []string{"MetricValue", "MetricSeries", "MetricBreakdown", "MetricRow", "Provenance"}

func askOfField(arguments map[string]any) (ask metric.ListAsk, err error) {
	first, err := scalar.UnmarshalInt(arguments["first"])
	if err != nil {
		return ask, err
	}
	var after *string
	if text, given := arguments["after"].(string); given {
		after = &text
	}
	var at time.Time
	if given, ok := arguments["at"]; ok {
		if at, err = scalar.UnmarshalDateTime(given); err != nil {
			return ask, err
		}
	}
	return askFor(first, after, at)
}

// askFor is a page of entities, as its arguments ask for it.
func askFor(first int, after *string, at time.Time) (metric.ListAsk, error) {
	place, err := placeOrStart(after, parseNumber)
	return metric.ListAsk{Page: metric.Page{First: first, After: place}, At: at.UTC()}, err
}

// entities finds a page that was read with its figure.
func entities(ctx context.Context, lists metric.Lists, first int, after *string, at time.Time) (*model.MetricEntityConnection, error) {
	ask, err := askFor(first, after, at)
	if err != nil {
		return nil, err
	}
	list := lists[ask]
	if list == nil {
		return nil, fault.New(fault.Internal, "Internal error.")
	}
	if list.Problem != nil {
		return nil, list.Problem
	}
	return entityConnection(ctx, list, after)
}

// entityConnection gives a page that was read.
func entityConnection(ctx context.Context, list *metric.Listing, after *string) (_ *model.MetricEntityConnection, err error) {
	keys := make([]string, len(list.Entities))
	for i, e := range list.Entities {
		keys[i] = cursorOf(strconv.FormatInt(e.ID, 10))
	}
	c := &model.MetricEntityConnection{Kind: list.Kind, TotalCount: list.Total, Sum: list.Sum}
	if c.Nodes, err = entityNodes(ctx, list); err != nil {
		return nil, err
	}
	c.Edges = make([]model.MetricEntityEdge, len(list.Entities))
	for i, e := range list.Entities {
		c.Edges[i] = model.MetricEntityEdge{Cursor: keys[i], Node: c.Nodes[i], Amount: e.Amount}
	}
	c.PageInfo = pageInfoOf(keys, list.More, after)
	return c, nil
}

// entityNodes finds what the numbers stand for, by one statement a kind.
func entityNodes(ctx context.Context, list *metric.Listing) ([]model.MetricEntity, error) {
	ids := make([]int64, len(list.Entities))
	for i, e := range list.Entities {
		ids[i] = e.ID
	}
	loaders := loader.From(ctx)
	switch list.Kind {
	case metric.People:
		return nodesOf(loaders.Person.LoadMany(ctx, ids)())
	case metric.Accounts:
		return nodesOf(loaders.Account.LoadMany(ctx, ids)())
	case metric.Subscriptions:
		return nodesOf(loaders.Subscription.LoadMany(ctx, ids)())
	}
	return make([]model.MetricEntity, len(ids)), nil
}

func nodesOf[T any](found []*T, errs []error) ([]model.MetricEntity, error) {
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	nodes := make([]model.MetricEntity, len(found))
	for i, node := range found {
		if node != nil {
			nodes[i] = node
		}
	}
	return nodes, nil
}
