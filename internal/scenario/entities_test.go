package scenario_test

import (
	"slices"
	"testing"
)

// listedEntities asks whom figures are made of, in each of the places where that can be asked.
const listedEntities = `
query ($key: String!, $first: Int!, $after: String, $then: String) {
	metric(key: $key) {
		value(range: { from: "2025-03-29T23:00:00Z", to: "2025-03-31T22:00:00Z" }, zone: "Europe/Berlin") {
			value
			... on MetricValue { entities(first: $first, after: $after) { ...whom } }
		}
		series(range: { from: "2025-03-28T23:00:00Z", to: "2025-03-31T22:00:00Z" }, zone: "Europe/Berlin") {
			values
			entities(at: "2025-03-29T23:00:00Z", first: $first, after: $then) { ...whom }
		}
	}
}
fragment whom on MetricEntityConnection {
	kind totalCount sum
	edges { cursor amount node { ... on Node { id } } }
	nodes { ... on Person { userIds } ... on Node { id } }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}`

// usersListed are the metrics whose figures are numbers of people.
var usersListed = []string{
	"active_users", "new_users", "daily_active_users", "weekly_active_users", "monthly_active_users",
	"returning_users", "resurrecting_users", "dormant_users",
}

type whom struct {
	Kind       string
	TotalCount int
	Sum        float64
	Edges      []struct {
		Cursor string
		Amount float64
		Node   struct{ ID string }
	}
	Nodes    []struct{ ID string }
	PageInfo pageInfo
}

type entitiesAnswer struct {
	Metric struct {
		Value struct {
			Value    float64
			Entities whom
		}
		Series struct {
			Values   []float64
			Entities whom
		}
	}
}

// Each figure of users lists as many people as it says, however the days are kept.
func TestFiguresListWhomTheyAreMadeOf(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, march...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	for range 2 {
		for _, key := range usersListed {
			var value, bucket []string
			var after, then *string
			for more := true; more; {
				var got entitiesAnswer
				s.acme.Query(t, listedEntities, map[string]any{"key": key, "first": 1, "after": after, "then": then}, &got)
				v, b := got.Metric.Value, got.Metric.Series
				wantEqual(t, key+": totalCount", float64(v.Entities.TotalCount), v.Value)
				wantEqual(t, key+": sum", v.Entities.Sum, v.Value)
				wantEqual(t, key+": totalCount of a bucket", float64(b.Entities.TotalCount), b.Values[1])
				value, after = turn(value, v.Entities, after)
				bucket, then = turn(bucket, b.Entities, then)
				if more = v.Entities.PageInfo.HasNextPage || b.Entities.PageInfo.HasNextPage; !more {
					wantEqual(t, key+": people", len(value), int(v.Value))
					wantEqual(t, key+": people of a bucket", len(bucket), int(b.Values[1]))
				}
			}
			for _, ids := range [][]string{value, bucket} {
				if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
					t.Errorf("%s: somebody comes twice: %v", key, ids)
				}
			}
		}
		materialize(t, s.kit)
	}
	var none entitiesAnswer
	s.globex.Query(t, listedEntities, map[string]any{"key": "active_users", "first": 1, "after": nil}, &none)
	wantEqual(t, "of a stranger", none.Metric.Value.Entities.TotalCount, 0)
	refused := s.kit.Ask(t, s.acme.ReadKey, listedEntities, map[string]any{"key": "events", "first": 1, "after": nil})
	wantEqual(t, "of events", refused.Errors[0].Extensions.Field, "entities")
}

// turn adds a page to those before, and says after what the next one begins. Behind the last
// page there is an empty one.
func turn(ids []string, page whom, after *string) ([]string, *string) {
	if page.PageInfo.EndCursor != nil {
		after = page.PageInfo.EndCursor
	}
	return append(ids, idsOf(page)...), after
}

func idsOf(page whom) (ids []string) {
	for _, e := range page.Edges {
		if e.Amount == 1 && e.Node.ID != "" {
			ids = append(ids, e.Node.ID)
		}
	}
	return ids
}
