package scenario_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// Lists, read page by page.
func TestPages(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"an event reads as it was sent", anEventReadsAsItWasSent},
		{"pages of events", pagesOfEvents},
		{"pages of metrics", pagesOfMetrics},
	})
}

// eventPage is a page of events with all that it has.
type eventPage struct {
	Edges []struct {
		Cursor string
		Node   struct{ ID string }
	}
	Nodes []struct {
		ID, Type, MessageID    string
		UserID, AnonymousID    *string
		OccurredAt, ReceivedAt time.Time
		Properties, Context    map[string]any
	}
	PageInfo   pageInfo
	TotalCount int
}

type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

const pageOfEvents = `query ($first: Int!, $after: String, $types: [String!]) { events(` + ever + `, types: $types) { list(first: $first, after: $after) {
	edges { cursor node { id } } nodes { id type occurredAt receivedAt messageId userId anonymousId properties context }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } } }`

// An event comes back as it was sent.
func anEventReadsAsItWasSent(t *testing.T, s story) {
	s.acme.Batch(t, `{"type":"track","messageId":"m ü","event":"Größe \"L\"","userId":"u\t1","anonymousId":"a1","timestamp":"2026-05-01T14:00:00.123456+02:00",`+
		`"properties":{"z":1.50,"big":12345678901234567890,"list":[null,true,{"k":"<&>\u2028"}]},"context":{"ip":"::1"}}`)
	var answer struct{ Events struct{ List eventPage } }
	s.acme.Query(t, pageOfEvents, map[string]any{"first": 10}, &answer)
	node := answer.Events.List.Nodes[0]
	wantEqual(t, "texts", []string{node.MessageID, node.Type, *node.UserID, *node.AnonymousID}, []string{"m ü", `Größe "L"`, "u\t1", "a1"})
	wantEqual(t, "instant", node.OccurredAt, at(t, "2026-05-01T12:00:00.123456Z"))
	wantEqual(t, "properties", node.Properties, map[string]any{
		"z": 1.5, "big": 12345678901234567890.0, "list": []any{nil, true, map[string]any{"k": "<&>\u2028"}},
	})
	wantEqual(t, "context", node.Context, map[string]any{"ip": "::1"})
	if age := time.Since(node.ReceivedAt); age < -time.Minute || age > time.Minute {
		t.Errorf("it arrived %s ago", age)
	}
	wantEqual(t, "ids", answer.Events.List.Edges[0].Node.ID, node.ID)
}

// Whatever the size of a page, the pages together are the list: each event once, the latest
// first, and of one instant the last to arrive first.
func pagesOfEvents(t *testing.T, s story) {
	var events, newestFirst []string
	for i := range 23 {
		id := fmt.Sprintf("m%02d", i)
		events = append(events, event(id, fmt.Sprint("T", i%2), "u1", fmt.Sprintf("2026-05-01T12:00:%02dZ", i/4))) // four of one instant
		newestFirst = append([]string{id}, newestFirst...)
	}
	s.acme.Batch(t, events...)
	s.globex.Batch(t, event("other", "T0", "u1", noon))
	for _, first := range []int{1, 2, 5, 22, 23, 24, 500} {
		got, pages := s.walkEvents(t, first, nil)
		wantEqual(t, fmt.Sprint("pages of ", first), got, newestFirst)
		wantEqual(t, "how many pages", pages, (23+first-1)/first)
	}
	got, _ := s.walkEvents(t, 4, []string{"T1"})
	wantEqual(t, "of one type", len(got), 11)
	if slices.Contains(got, "m00") {
		t.Error("the list of T1 has an event of T0")
	}
}

// walkEvents follows the cursors to the end, and holds each page against the rules.
func (s story) walkEvents(t *testing.T, first int, types []string) (ids []string, pages int) {
	t.Helper()
	var after *string
	for {
		var answer struct{ Events struct{ List eventPage } }
		variables := map[string]any{"first": first, "after": after}
		if types != nil {
			variables["types"] = types
		}
		s.acme.Query(t, pageOfEvents, variables, &answer)
		page := answer.Events.List
		wantPage(t, page.PageInfo, first, len(page.Nodes), len(page.Edges), after != nil)
		for i, node := range page.Nodes {
			ids = append(ids, node.MessageID)
			wantEqual(t, "edge and node", page.Edges[i].Node.ID, node.ID)
		}
		if n := len(page.Edges); n > 0 {
			wantEqual(t, "cursors", []string{*page.PageInfo.StartCursor, *page.PageInfo.EndCursor}, []string{page.Edges[0].Cursor, page.Edges[n-1].Cursor})
		}
		pages++
		if !page.PageInfo.HasNextPage {
			wantEqual(t, "totalCount", page.TotalCount, len(ids))
			return ids, pages
		}
		after = page.PageInfo.EndCursor
	}
}

func wantPage(t *testing.T, info pageInfo, first, nodes, edges int, later bool) {
	t.Helper()
	if nodes != edges || nodes > first || info.HasNextPage && nodes != first || info.HasPreviousPage != later {
		t.Errorf("a page of %d has %d nodes and %d edges, %+v", first, nodes, edges, info)
	}
	if (nodes == 0) != (info.StartCursor == nil) || (nodes == 0) != (info.EndCursor == nil) {
		t.Errorf("a page of %d nodes has the cursors %v and %v", nodes, info.StartCursor, info.EndCursor)
	}
}

const pageOfMetrics = `query ($first: Int!, $after: String) { metrics(first: $first, after: $after) {
	edges { cursor node { key } } nodes { id key name description formula unit direction additive dimensions permission version custom }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`

// The catalog has pages too, and its metrics say what they are.
func pagesOfMetrics(t *testing.T, s story) {
	type row struct {
		ID, Key, Name, Description, Formula, Unit string
		Additive                                  bool
	}
	known := append(metric.Builtin(), revenue.Metrics()...)
	for _, first := range []int{1, 2, 3, 100} {
		var all []row
		for after := (*string)(nil); ; {
			var answer struct {
				Metrics struct {
					Edges      []struct{ Cursor string }
					Nodes      []row
					PageInfo   pageInfo
					TotalCount int
				}
			}
			s.acme.Query(t, pageOfMetrics, map[string]any{"first": first, "after": after}, &answer)
			page := answer.Metrics
			wantPage(t, page.PageInfo, first, len(page.Nodes), len(page.Edges), after != nil)
			wantEqual(t, "totalCount", page.TotalCount, len(known))
			all = append(all, page.Nodes...)
			if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
				break
			}
		}
		if len(all) != len(known) {
			t.Fatalf("%d metrics in pages of %d", len(all), first)
		}
		for i, d := range known {
			m := all[i]
			if m.Key != d.Key || m.Unit != string(d.Unit) || m.Name == "" || m.Description == "" || m.ID == "" || m.Additive != d.Additive || m.Formula == "" {
				t.Errorf("metric %+v", m)
			}
		}
	}
}
