package scenario_test

import (
	"encoding/json"
	"testing"
)

// The mutation and the client libraries' calls say the same of people: who they are, whose a
// device is, and where they belong.
func TestIngestSaysWhoPeopleAre(t *testing.T) {
	s := begin(t)
	ways := map[string]func(t *testing.T, s story){
		"by the mutation": func(t *testing.T, s story) {
			var answer struct{ IngestEvents struct{ Accepted int } }
			result := s.kit.Ask(t, s.acme.WriteKey, `mutation { ingestEvents(events: [
				{messageId: "m1", type: "Seen", anonymousId: "phone"}
				{messageId: "m2", type: "$identify", userId: "ann", anonymousId: "phone", traits: {plan: "pro"}}
				{messageId: "m3", type: "$group", userId: "ann", groupId: "g1", traits: {seats: 3}}
				{messageId: "m4", type: "$alias", userId: "ann", previousId: "tablet"}
				{messageId: "m5", type: "Seen", anonymousId: "tablet", groupId: "g1"}
			]) { accepted } }`, nil)
			if err := json.Unmarshal(result.Data, &answer); err != nil || len(result.Errors) > 0 {
				t.Fatalf("%v, %+v", err, result.Errors)
			}
			wantEqual(t, "accepted", answer.IngestEvents.Accepted, 5)
		},
		"by HTTP": func(t *testing.T, s story) {
			wantVerdicts(t, s.acme.Batch(t,
				`{"type":"track","messageId":"m1","event":"Seen","anonymousId":"phone"}`,
				said("m2", "identify", `"userId":"ann","anonymousId":"phone","traits":{"plan":"pro"}`),
				said("m3", "group", `"userId":"ann","groupId":"g1","traits":{"seats":3}`),
				said("m4", "alias", `"userId":"ann","previousId":"tablet"`),
				`{"type":"track","messageId":"m5","event":"Seen","anonymousId":"tablet","context":{"groupId":"g1"}}`,
			), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
		},
	}
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			s := s.aside(t)
			send(t, s)
			var answer struct {
				Person struct {
					UserIds    []string
					Traits     map[string]any
					Identities struct{ Nodes []struct{ Value string } }
				}
				Account struct{ Traits map[string]any }
				Metric  struct{ Value struct{ Value int } }
			}
			s.acme.Query(t, `{
				person(anonymousId: "tablet") { userIds traits identities { nodes { value } } }
				account(groupId: "g1") { traits }
				metric(key: "active_users") { value { value } }
			}`, nil, &answer)
			wantEqual(t, "user", answer.Person.UserIds, []string{"ann"})
			wantEqual(t, "traits", answer.Person.Traits, map[string]any{"plan": "pro"})
			wantEqual(t, "ids", len(answer.Person.Identities.Nodes), 3)
			wantEqual(t, "traits of the account", answer.Account.Traits, map[string]any{"seats": 3.0})
			wantEqual(t, "active users", answer.Metric.Value.Value, 1)
			if theirs := s.kit.Ask(t, s.globex.ReadKey, `{ person(userId: "ann") { id } account(groupId: "g1") { id } }`, nil); string(theirs.Data) != `{"person":null,"account":null}` {
				t.Errorf("the stranger sees %s", theirs.Data)
			}
		})
	}
}
