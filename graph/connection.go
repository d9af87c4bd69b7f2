package graph

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// edgeOf is what every edge of the schema looks like.
type edgeOf[N any] interface {
	~struct {
		Cursor string `json:"cursor"`
		Node   *N     `json:"node"`
	}
}

// connect makes what every connection has of a page of its nodes: more says whether others
// follow it, after is the cursor that it was asked for behind, and key writes where a node
// stands in the list, for its cursor.
//
//	c := &model.EventTypeConnection{TotalCount: page.Total}
//	c.Edges, c.Nodes, c.PageInfo = connect[model.EventTypeEdge](ctx, page.List, page.More, after, typeKey)
func connect[E edgeOf[N], N any](ctx context.Context, list []N, more bool, after *string, key func(*N) string) ([]E, []N, *model.PageInfo) {
	if list == nil {
		list = []N{} // the schema's lists are never null
	}
	return joined[E](ctx, list, cursorsOf(list, key), more, after)
}

// connectAs is connect for a page of things that the schema has another type for.
func connectAs[E edgeOf[N], N, S any](ctx context.Context, list []S, more bool, after *string, key func(*S) string, node func(*S) *N) ([]E, []N, *model.PageInfo) {
	nodes := make([]N, len(list))
	for i := range list {
		nodes[i] = *node(&list[i])
	}
	return joined[E](ctx, nodes, cursorsOf(list, key), more, after)
}

func cursorsOf[S any](list []S, key func(*S) string) []string {
	cursors := make([]string, len(list))
	for i := range list {
		cursors[i] = cursorOf(key(&list[i]))
	}
	return cursors
}

// joined gives each node its edge, and tells where the page lies. All nodes of all connections
// come through here, each with the context of its execution. How many they are is counted by
// the schema's @page, which also counts lists that are no connections: see cost.go.
func joined[E edgeOf[N], N any](_ context.Context, nodes []N, cursors []string, more bool, after *string) ([]E, []N, *model.PageInfo) {
	edges := make([]E, len(nodes))
	for i := range nodes {
		edges[i] = E{Cursor: cursors[i], Node: &nodes[i]}
	}
	return edges, nodes, pageInfoOf(cursors, more, after)
}

func pageInfoOf(cursors []string, more bool, after *string) *model.PageInfo {
	info := &model.PageInfo{HasNextPage: more, HasPreviousPage: after != nil}
	if len(cursors) > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[len(cursors)-1]
	}
	return info
}

func cursorOf(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

var errBadCursor = fault.Input("after", "This is not a cursor of this list.")

func parseCursor(after *string) (key string, err error) {
	if after == nil {
		return "", nil
	}
	key, ok := decodeStrictly(*after)
	if !ok || key == "" {
		return "", errBadCursor
	}
	return key, nil
}

// placeOf reads a cursor by what reads its key; without one it is nil.
func placeOf[P any](after *string, parse func(key string) (P, bool)) (*P, error) {
	key, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	place, ok := parse(key)
	if !ok {
		return nil, errBadCursor
	}
	return &place, nil
}

// placeOrStart is placeOf for lists whose beginning is the zero place.
func placeOrStart[P any](after *string, parse func(key string) (P, bool)) (place P, err error) {
	found, err := placeOf(after, parse)
	if found != nil {
		place = *found
	}
	return place, err
}

func eventConnection(ctx context.Context, of *model.Events, page event.Page, after *string) *model.EventConnection {
	c := &model.EventConnection{Of: of}
	c.Edges, c.Nodes, c.PageInfo = connect[model.EventEdge](ctx, page.Events, page.More, after,
		func(e *event.Event) string { return positionKey(e.Position) })
	return c
}

// maxMetrics is how many metrics one page may have.
const maxMetrics = 100

func (r *Resolver) metricConnection(ctx context.Context, first int, after *string) (*model.MetricConnection, error) {
	if first < 1 || first > maxMetrics {
		return nil, fault.Input("first", "Between 1 and %d are allowed.", maxMetrics)
	}
	all, err := r.MetricService.Shown(ctx)
	if err != nil {
		return nil, err
	}
	last, err := placeOf(after, func(key string) (int, bool) { i := indexOf(all, key); return i, i >= 0 })
	if err != nil {
		return nil, err
	}
	start := 0
	if last != nil {
		start = *last + 1
	}
	end := min(start+first, len(all))
	c := &model.MetricConnection{TotalCount: len(all)}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.MetricEdge](ctx, all[start:end], end < len(all), after,
		func(d **metric.Definition) string { return (*d).Key },
		func(d **metric.Definition) *metric.Definition { return *d })
	return c, nil
}

func indexOf(all []*metric.Definition, key string) int {
	return slices.IndexFunc(all, func(d *metric.Definition) bool { return d.Key == key })
}
