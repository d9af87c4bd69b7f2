package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

const findNode = `query ($id: ID!) { node(id: $id) { __typename id } }`

func TestANodeIsFoundByItsOwnTenantOnly(t *testing.T) {
	kit := served.Start(t)
	acme, globex := kit.Tenant(t, "Acme", "UTC"), kit.Tenant(t, "Globex", "UTC")
	acme.Batch(t, `{"type":"track","event":"Login","userId":"ann"}`)
	globex.Batch(t, `{"type":"track","event":"Login","userId":"bob"}`)
	type ids struct {
		Tenant  struct{ ID string }
		Metrics struct{ Nodes []struct{ ID string } }
		Events  struct {
			List struct{ Nodes []struct{ ID string } }
		}
	}
	const list = `{ tenant { id } metrics(first: 1) { nodes { id } } events { list { nodes { id } } } }`
	var mine, theirs ids
	acme.Query(t, list, nil, &mine)
	globex.Query(t, list, nil, &theirs)

	for typename, id := range map[string]string{
		"Tenant": mine.Tenant.ID, "Metric": mine.Metrics.Nodes[0].ID, "Event": mine.Events.List.Nodes[0].ID,
	} {
		var found struct {
			Node struct {
				Typename string `json:"__typename"`
				ID       string
			}
		}
		acme.Query(t, findNode, map[string]any{"id": id}, &found)
		if found.Node.Typename != typename || found.Node.ID != id {
			t.Errorf("%+v, want the %s", found.Node, typename)
		}
	}
	encoded := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, id := range map[string]string{
		"the stranger's tenant": theirs.Tenant.ID, "the stranger's event": theirs.Events.List.Nodes[0].ID,
		"nothing": "", "not an id": "%", "of a type that is not there": encoded("user:1"), "of no type": encoded(":1"),
		"a metric that is not there": encoded("metric:nothing"), "an event that is not there": encoded("event:1777636800000000.1"),
		"an event that is nowhere": encoded("event:x"), "a tenant that is none": encoded("tenant:"),
		"a tenant in capitals": encoded("tenant:01890C5E-8F3A-7CC0-98C4-DC0C0C07398F"),
	} {
		answer := kit.Ask(t, acme.ReadKey, findNode, map[string]any{"id": id})
		if len(answer.Errors) != 1 || string(answer.Data) != `{"node":null}` {
			t.Errorf("%s: %s, %+v", name, answer.Data, answer.Errors)
			continue
		}
		e := answer.Errors[0]
		if path, _ := json.Marshal(e.Path); e.Message != "There is nothing with this id." || e.Extensions.Code != "NOT_FOUND" || e.Extensions.Field != "id" || string(path) != `["node"]` {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
