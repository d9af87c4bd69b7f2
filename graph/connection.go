package graph

import (
	"encoding/base64"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

func cursorOf(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

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

var errBadCursor = fault.Input("after", "This is not a cursor of this list.")

// pageInfo tells where a page lies, by the cursors of its edges.
func pageInfo(cursors []string, after *string, more bool) model.PageInfo {
	info := model.PageInfo{HasNextPage: more, HasPreviousPage: after != nil}
	if len(cursors) > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[len(cursors)-1]
	}
	return info
}

func eventConnection(of *model.Events, page event.Page, after *string) *model.EventConnection {
	c := &model.EventConnection{Of: of, Edges: []model.EventEdge{}, Nodes: page.Events}
	if c.Nodes == nil {
		c.Nodes = []event.Event{}
	}
	var cursors []string
	for i := range page.Events {
		cursor := cursorOf(positionKey(page.Events[i].Position))
		cursors = append(cursors, cursor)
		c.Edges = append(c.Edges, model.EventEdge{Cursor: cursor, Node: &page.Events[i]})
	}
	c.PageInfo = pageInfo(cursors, after, page.More)
	return c
}

// maxMetrics is how many metrics one page may have.
const maxMetrics = 100

func metricConnection(first int, after *string) (*model.MetricConnection, error) {
	if first < 1 || first > maxMetrics {
		return nil, fault.Input("first", "Between 1 and %d are allowed.", maxMetrics)
	}
	key, err := parseCursor(after)
	if err != nil {
		return nil, err
	}
	all, start := metric.Catalog(), 0
	if after != nil {
		if start = 1 + indexOf(all, key); start == 0 {
			return nil, errBadCursor
		}
	}
	end := min(start+first, len(all))
	c := &model.MetricConnection{Edges: []model.MetricEdge{}, Nodes: []metric.Definition{}, TotalCount: len(all)}
	var cursors []string
	for _, d := range all[start:end] {
		cursor := cursorOf(d.Key)
		cursors = append(cursors, cursor)
		c.Edges = append(c.Edges, model.MetricEdge{Cursor: cursor, Node: d})
		c.Nodes = append(c.Nodes, *d)
	}
	info := pageInfo(cursors, after, end < len(all))
	c.PageInfo = &info
	return c, nil
}

func indexOf(all []*metric.Definition, key string) int {
	for i, d := range all {
		if d.Key == key {
			return i
		}
	}
	return -1
}

func parsePositionCursor(after *string) (*event.Position, error) {
	key, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	position, ok := parsePosition(key)
	if !ok {
		return nil, errBadCursor
	}
	return &position, nil
}
