package graph

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

func catalogKeys() (keys []string) {
	for _, d := range metric.Builtin() {
		keys = append(keys, d.Key)
	}
	return keys
}

func TestMetricsComeInPages(t *testing.T) {
	keys := catalogKeys()
	last := len(keys) - 1
	after := func(key string) *string { c := cursorOf(key); return &c }
	for _, c := range []struct {
		name       string
		first      int
		after      *string
		want       []string
		next, prev bool
	}{
		{"all", 100, nil, keys, false, false},
		{"exactly all", len(keys), nil, keys, false, false},
		{"the first", 1, nil, keys[:1], true, false},
		{"all but the last", last, nil, keys[:last], true, false},
		{"the second", 1, after(keys[0]), keys[1:2], true, true},
		{"what follows the first", 100, after(keys[0]), keys[1:], false, true},
		{"what follows the last", 100, after(keys[last]), nil, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := catalogOnly().metricConnection(t.Context(), c.first, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var nodes, edges []string
			for i := range page.Nodes {
				nodes, edges = append(nodes, page.Nodes[i].Key), append(edges, page.Edges[i].Node.Key)
			}
			if !slices.Equal(nodes, c.want) || !slices.Equal(edges, c.want) || page.Nodes == nil || page.Edges == nil {
				t.Errorf("nodes %v, edges %v; want %v", nodes, edges, c.want)
			}
			if page.TotalCount != len(keys) || page.PageInfo.HasNextPage != c.next || page.PageInfo.HasPreviousPage != c.prev {
				t.Errorf("%d in all, %+v; want next %v, previous %v", page.TotalCount, page.PageInfo, c.next, c.prev)
			}
			wantEnds(t, page.PageInfo, c.want)
		})
	}
}

// wantEnds checks that a page's cursors are those of its first and last key.
func wantEnds(t *testing.T, info *model.PageInfo, keys []string) {
	t.Helper()
	if len(keys) == 0 {
		if info.StartCursor != nil || info.EndCursor != nil {
			t.Errorf("an empty page has cursors: %+v", info)
		}
		return
	}
	if info.StartCursor == nil || *info.StartCursor != cursorOf(keys[0]) || info.EndCursor == nil || *info.EndCursor != cursorOf(keys[len(keys)-1]) {
		t.Errorf("cursors %+v, want those of %s and %s", info, keys[0], keys[len(keys)-1])
	}
}

func TestAPageOfMetricsHasBounds(t *testing.T) {
	for _, first := range []int{-1, 0, 101, 1 << 31} {
		_, err := catalogOnly().metricConnection(t.Context(), first, nil)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || f.Field != "first" {
			t.Errorf("first %d: %v", first, err)
		}
	}
}

func TestACursorIsOfItsOwnList(t *testing.T) {
	position := event.Position{OccurredAt: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), ID: 7}
	own := cursorOf(positionKey(position))
	if got, err := placeOf(&own, parsePosition); err != nil || *got != position {
		t.Errorf("%v, %v; want %v", got, err, position)
	}
	if got, err := placeOf(nil, parsePosition); err != nil || got != nil {
		t.Errorf("without a cursor: %v, %v", got, err)
	}
	metrics := cursorOf("events")
	for name, bad := range map[string]string{
		"nothing": "", "not base64": "!", "padded": own + "=", "of metrics": metrics, "cut": own[:len(own)-2], "with a line's end": own + "\n",
	} {
		if got, err := placeOf(&bad, parsePosition); !errors.Is(err, errBadCursor) || got != nil {
			t.Errorf("%s, for events: %v, %v", name, got, err)
		}
	}
	for name, bad := range map[string]string{
		"nothing": "", "not base64": "!", "padded": metrics + "=", "of events": own, "of no metric": cursorOf("nothing"), "an id": nodeID(metricNode, "events"),
		"with a line's end": metrics + "\n",
	} {
		if _, err := catalogOnly().metricConnection(t.Context(), 1, &bad); !errors.Is(err, errBadCursor) {
			t.Errorf("%s, for metrics: %v", name, err)
		}
	}
}

func TestAPageOfEventsHasACursorForEach(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	page := event.Page{More: true, Events: []event.Event{
		{Position: event.Position{OccurredAt: at, ID: 2}}, {Position: event.Position{OccurredAt: at, ID: 1}},
	}}
	before := cursorOf("1.1")
	c := eventConnection(t.Context(), &model.Events{}, page, &before)
	for i, edge := range c.Edges {
		if got, err := placeOf(&edge.Cursor, parsePosition); err != nil || *got != page.Events[i].Position || edge.Node.Position != *got || c.Nodes[i].Position != *got {
			t.Errorf("edge %d: cursor of %v, %v", i, got, err)
		}
	}
	if !c.PageInfo.HasNextPage || !c.PageInfo.HasPreviousPage {
		t.Errorf("%+v", c.PageInfo)
	}
	wantEnds(t, c.PageInfo, []string{positionKey(page.Events[0].Position), positionKey(page.Events[1].Position)})

	empty := eventConnection(t.Context(), &model.Events{}, event.Page{}, nil)
	if empty.Nodes == nil || empty.Edges == nil || empty.PageInfo.HasNextPage || empty.PageInfo.HasPreviousPage {
		t.Errorf("an empty page: %+v", empty)
	}
	wantEnds(t, empty.PageInfo, nil)
}

func catalogOnly() *Resolver {
	return &Resolver{MetricService: metric.NewService(nil, metric.NewCatalog(metric.Builtin()))}
}
