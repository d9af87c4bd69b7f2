package scenario_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Ids, and what they find.
func TestNodes(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a node is found by its i d", aNodeIsFoundByItsID},
		{"no other ID is found", noOtherIDIsFound},
		{"many nodes at once", manyNodesAtOnce},
	})
}

const nodes = `query ($id: ID!) { node(id: $id) { id __typename
	... on Tenant { name zone } ... on Metric { key } ... on Event { messageId properties } } }`

// ids asks a tenant for the id of one thing of each type.
func ids(t *testing.T, who *served.Tenant) (tenant, metric, event string) {
	t.Helper()
	var answer struct {
		Tenant struct{ ID string }
		Metric struct{ ID string }
		Events struct {
			List struct{ Nodes []struct{ ID string } }
		}
	}
	who.Query(t, `{ tenant { id } metric(key: "new_users") { id } events(`+ever+`) { list(first: 1) { nodes { id } } } }`, nil, &answer)
	return answer.Tenant.ID, answer.Metric.ID, answer.Events.List.Nodes[0].ID
}

// Whatever has an id is found by it again, by its own tenant.
func aNodeIsFoundByItsID(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	tenant, metric, happened := ids(t, s.acme)
	for id, want := range map[string]map[string]any{
		tenant:   {"id": tenant, "__typename": "Tenant", "name": "Acme", "zone": "Europe/Berlin"},
		metric:   {"id": metric, "__typename": "Metric", "key": "new_users"},
		happened: {"id": happened, "__typename": "Event", "messageId": "m1", "properties": map[string]any{}},
	} {
		var answer struct{ Node map[string]any }
		s.acme.Query(t, nodes, map[string]any{"id": id}, &answer)
		wantEqual(t, "node", answer.Node, want)
	}
}

// An id of another tenant, of nothing, of no type and of no shape are one and the same: the
// answer doesn't tell which it was.
func noOtherIDIsFound(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	tenant, metric, happened := ids(t, s.globex)
	own, _, ownEvent := ids(t, s.acme)
	encode := base64.RawURLEncoding.EncodeToString
	wrong := map[string]string{
		"another's tenant": tenant, "another's event": happened,
		"nothing": "", "words": "no such id", "padded": own + "==", "cut": ownEvent[:len(ownEvent)-3], "longer": own + "AAAA",
		"unknown type": encode([]byte("report:7")), "no type": encode([]byte("events")), "no key": encode([]byte("metric:")),
		"unknown metric": encode([]byte("metric:nothing")), "metric of another case": encode([]byte("Metric:events")),
		"an event of no time": encode([]byte("event:x.1")), "an event of no id": encode([]byte("event:1777636800000000")),
		"an event of the year 1": encode([]byte("event:-62135596800000000.1")), "an event beyond time": encode([]byte("event:9223372036854775807.1")),
		"an event of a huge id": encode([]byte("event:1777636800000000.99999999999999999999")),
		"an event with a quote": encode([]byte("event:1777636800000000.1' or '1'='1")),
		"a type with NUL":       encode([]byte("eventtype:E\x00")), "a type never seen": encode([]byte("eventtype:Nothing")), "a type of no name": encode([]byte("eventtype:")),
		"no change": encode([]byte("change:1")), "no number": encode([]byte("change:x")), "no plan": encode([]byte("plan:1")),
		"a huge plan": encode([]byte("plan:4294967297")), "a plan below": encode([]byte("plan:-1")), "no event in quarantine": encode([]byte("quarantined:1")),
		"no UTF-8": encode([]byte("tenant:\xff\xfe")), "NUL": "\x00", "very long": strings.Repeat("A", 10_000),
		"the tenant's bare id": s.acme.ID.String(),
	}
	for name, id := range wrong {
		t.Run(name, func(t *testing.T) {
			answer := s.kit.Ask(t, s.acme.ReadKey, nodes, map[string]any{"id": id})
			wantEqual(t, "data", string(answer.Data), `{"node":null}`)
			want := served.Error{Message: "There is nothing with this id.", Path: []any{"node"}}
			want.Extensions.Code, want.Extensions.Field = "NOT_FOUND", "id"
			wantEqual(t, "errors", answer.Errors, []served.Error{want})
		})
	}
	var answer struct{ Node struct{ ID string } }
	s.acme.Query(t, nodes, map[string]any{"id": metric}, &answer) // the catalog is everybody's
	wantEqual(t, "metric", answer.Node.ID, metric)
}

// A hundred nodes in one document are found one by one, and each failure stays its own.
func manyNodesAtOnce(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	_, _, mine := ids(t, s.acme)
	_, _, theirs := ids(t, s.globex)
	var query strings.Builder
	for i := range 100 {
		query.WriteString("n" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `: node(id: "` + []string{mine, theirs}[i%2] + `") { id } `)
	}
	answer := s.kit.Ask(t, s.acme.ReadKey, "{"+query.String()+"}", nil)
	var found map[string]*struct{ ID string }
	served.Reply{Body: answer.Data}.Decode(t, &found)
	there := 0
	for _, node := range found {
		if node != nil {
			there++
			wantEqual(t, "id", node.ID, mine)
		}
	}
	wantEqual(t, "found and not found", []int{there, len(answer.Errors)}, []int{50, 50})
}
