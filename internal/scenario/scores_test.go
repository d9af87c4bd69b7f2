package scenario_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// How well accounts do.
func TestHealthOfAccounts(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"scores follow the data, live", scoresFollowTheData},
		{"what counts is previewed", whatCountsIsPreviewed},
		{"somebody knows better", somebodyKnowsBetter},
		{"bands are told on timelines and by cohorts", bandsAreToldElsewhere},
		{"what is refused", modelsThatAreRefused},
		{"what is paid is not told to all", paymentsAreHidden},
		{"strangers see nothing of it", strangersSeeNoHealth},
	})
}

const (
	healthInput   = ` { key name kind weight worst best days types trait staleAfterDays } `
	contributions = ` { key name kind state value observedAt score contribution } `
	modelFields   = ` { inputs` + healthInput + ` version changedAt changedBy calculation { state progress calculatedAt accounts complete failure } } `
	changeFields  = ` { id account { groupId } at from to score cause } `
	scoreFields   = ` { score band calculated contributions` + contributions + ` override { score reason setAt setBy { name } expiresAt } changedAt trend(days: 3) { days scores } } `
	setModelIt    = `mutation ($inputs: [HealthInputInput!]!) { setHealthModel(inputs: $inputs)` + modelFields + ` }`
	previewHealth = `query ($inputs: [HealthInputInput!]!) { healthPreview(inputs: $inputs) {
		asOf accounts scored complete bands counts before deciles movedCount
		inputs { key withValue stale lowerQuartile median upperQuartile }
		moved { account { groupId } before from score to contributions` + contributions + ` } } }`
	overrideIt = `mutation ($account: ID!, $score: Float!, $reason: String!, $expiresAt: DateTime!) {
		overrideHealth(account: $account, score: $score, reason: $reason, expiresAt: $expiresAt) { health` + scoreFields + ` } }`
	endOverrideIt = `mutation ($account: ID!) { endHealthOverride(account: $account) { health` + scoreFields + ` } }`
	allOfHealth   = `query ($groupId: String!, $of: ID, $into: [HealthBand!], $first: Int! = 10, $after: String) { healthModel` + modelFields + `
		account(groupId: $groupId) { health` + scoreFields + ` timeline(filter: {kinds: [HEALTH]}) { nodes { at kind ... on HealthEntry { at kind bandChange` + changeFields + ` } } } }
		healthChanges(account: $of, into: $into, first: $first, after: $after) {
			edges { cursor node { id } } nodes` + changeFields + ` pageInfo { hasNextPage endCursor } } }`
)

// useOfApp counts ten events of a week as all that there can be.
var useOfApp = object{"key": "use", "name": "Use of the app", "kind": "EVENTS", "weight": 3, "worst": 0, "best": 10, "days": 7}

var npsSaid = object{"key": "nps", "name": "NPS", "kind": "TRAIT", "trait": "nps", "worst": -100, "best": 100, "staleAfterDays": 30}

type bandChange struct {
	ID          string
	Account     struct{ GroupID string }
	From, To    *string
	Score       *float64
	Cause       string
	At, ChangAt string
}

type healthScore struct {
	Score, Calculated *float64
	Band              *string
	Contributions     []struct {
		Key, Name, Kind, State string
		Value, Score           *float64
		ObservedAt             *string
		Contribution           float64
	}
	Override *struct {
		Score     float64
		Reason    string
		ExpiresAt string
	}
	Trend struct {
		Days   []string
		Scores []*float64
	}
}

type healthAnswer struct {
	HealthModel *struct {
		Version     int
		Inputs      []object
		Calculation struct {
			State    string
			Progress float64
			Accounts *int
			Complete *bool
		}
	}
	Account *struct {
		Health   *healthScore
		Timeline struct {
			Nodes []struct{ BandChange bandChange }
		}
	}
	HealthChanges struct {
		Nodes    []bandChange
		PageInfo pageInfo
	}
}

// changes are those of an answer in words.
func (a healthAnswer) changes() string {
	var words []string
	for _, c := range a.HealthChanges.Nodes {
		words = append(words, fmt.Sprintf("%s %s>%s %s", c.Account.GroupID, wordOf(c.From), wordOf(c.To), c.Cause))
	}
	return strings.Join(words, ", ")
}

func wordOf(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}

func setModel(t *testing.T, who *served.Tenant, inputs ...object) {
	t.Helper()
	who.Manage(t, setModelIt, object{"inputs": inputs}, &struct{}{})
}

func healthOf(t *testing.T, who *served.Tenant, group string, variables object) (a healthAnswer) {
	t.Helper()
	if variables == nil {
		variables = object{}
	}
	variables["groupId"] = group
	who.Manage(t, allOfHealth, variables, &a)
	return a
}

// scored waits until an account comes to something, and gives it.
func scored(t *testing.T, s story, who *served.Tenant, group string, want float64) healthAnswer {
	t.Helper()
	var a healthAnswer
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		s.kit.Exec(t, `update health_model set due_at = now() where state = 'DONE'`) // it need not rest
		a = healthOf(t, who, group, nil)
		if h := a.Account.Health; h == nil || h.Calculated == nil || *h.Calculated != want {
			continue
		}
		if a.HealthModel.Calculation.Accounts != nil { // it may have been read just before
			return a
		}
	}
	t.Fatalf("%s never comes to %v: %+v", group, want, a.Account.Health)
	return a
}

// did sends so many events of just now for an account.
func did(t *testing.T, s story, who *served.Tenant, group string, n int) {
	t.Helper()
	now := time.Now().UTC()
	calls := make([]string, n)
	for i := range calls {
		calls[i] = fmt.Sprintf(`{"type":"track","event":"Opened","messageId":"%s-%d-%d","userId":"u-%s","groupId":%q,"timestamp":%q}`,
			group, now.UnixNano(), i, group, group, now.Format(time.RFC3339Nano))
	}
	tellOf(t, s, who, calls...)
}

func scoresFollowTheData(t *testing.T, s story) {
	did(t, s, s.acme, "g1", 4)
	tellOf(t, s, s.acme, fmt.Sprintf(`{"type":"group","messageId":"n1","groupId":"g1","traits":{"nps":60},"timestamp":%q}`, time.Now().UTC().Format(time.RFC3339)))
	tellOf(t, s, s.acme, fmt.Sprintf(`{"type":"group","messageId":"n2","groupId":"g2","traits":{"nps":60},"timestamp":%q}`, time.Now().AddDate(0, 0, -32).UTC().Format(time.RFC3339)))
	if a := healthOf(t, s.acme, "g1", nil); a.HealthModel != nil || a.Account.Health != nil {
		t.Errorf("before anything counts: %+v", a)
	}
	setModel(t, s.acme, useOfApp, npsSaid)
	a := scored(t, s, s.acme, "g1", 50)
	wantEqual(t, "model", []any{a.HealthModel.Version, a.HealthModel.Inputs[1]["staleAfterDays"], a.HealthModel.Inputs[0]["types"], *a.HealthModel.Calculation.Accounts, *a.HealthModel.Calculation.Complete},
		[]any{1, 30.0, nil, 2, true})
	h := a.Account.Health
	wantEqual(t, "score", []any{*h.Score, *h.Band, h.Override == nil, len(h.Trend.Days), *h.Trend.Scores[2], h.Trend.Scores[1] == nil}, []any{50.0, "AT_RISK", true, 3, 50.0, true})
	use, nps := h.Contributions[0], h.Contributions[1]
	wantEqual(t, "use", []any{use.Key, use.Name, use.State, *use.Value, *use.Score, use.Contribution, use.ObservedAt == nil}, []any{"use", "Use of the app", "USED", 4.0, 40.0, 30.0, true})
	wantEqual(t, "nps", []any{nps.State, *nps.Value, *nps.Score, nps.Contribution, nps.ObservedAt != nil}, []any{"USED", 60.0, 80.0, 20.0, true})
	old := healthOf(t, s.acme, "g2", nil).Account.Health
	wantEqual(t, "stale", []any{*old.Score, old.Contributions[1].State, *old.Contributions[1].Value, old.Contributions[1].Contribution}, []any{0.0, "STALE", 60.0, 0.0})

	socket := s.kit.Connect(t, s.acme.ReadKey)
	socket.Subscribe(t, `subscription { live { query { account(groupId: "g1") { health { score band trend(days: 1) { scores } } } healthChanges(first: 1) { nodes { from to } } } } }`)
	socket.Until(t, `"score":50,`)
	did(t, s, s.acme, "g1", 5)
	s.kit.Exec(t, `update health_model set due_at = now()`)
	frame := socket.Until(t, `"score":87.5,`)
	if text := string(frame.Payload); !strings.Contains(text, `"scores":[87.5]`) || !strings.Contains(text, `{"from":"AT_RISK","to":"HEALTHY"}`) {
		t.Errorf("pushed %s", text)
	}
	wantEqual(t, "changes", healthOf(t, s.acme, "g1", object{"of": accountID(t, s.acme, "g1")}).changes(), "g1 AT_RISK>HEALTHY DATA, g1 ->AT_RISK MODEL")
	page := healthOf(t, s.acme, "g1", object{"first": 1})
	wantEqual(t, "first page", []any{page.changes(), page.HealthChanges.PageInfo.HasNextPage}, []any{"g1 AT_RISK>HEALTHY DATA", true})
	rest := healthOf(t, s.acme, "g1", object{"after": *page.HealthChanges.PageInfo.EndCursor, "into": []string{"AT_RISK"}})
	wantEqual(t, "the rest", len(rest.HealthChanges.Nodes), 2)
}

func whatCountsIsPreviewed(t *testing.T, s story) {
	for i, group := range []string{"g1", "g2", "g3"} {
		did(t, s, s.acme, group, 3*i+1)
	}
	var p struct {
		HealthPreview struct {
			Accounts, Scored, MovedCount int
			Complete                     bool
			Bands                        []string
			Counts, Before, Deciles      []int
			Inputs                       []struct {
				WithValue, Stale int
				Median           *float64
			}
			Moved []struct {
				Account       struct{ GroupID string }
				From, To      *string
				Score         float64
				Contributions []struct{ Key string }
			}
		}
	}
	s.acme.Manage(t, previewHealth, object{"inputs": []object{useOfApp}}, &p)
	got := p.HealthPreview
	wantEqual(t, "preview", []any{got.Accounts, got.Scored, got.MovedCount, got.Complete, got.Inputs[0].WithValue, *got.Inputs[0].Median}, []any{3, 3, 3, true, 3, 4.0})
	wantEqual(t, "bands", fmt.Sprint(got.Bands, got.Counts, got.Before, got.Deciles), "[AT_RISK NEUTRAL HEALTHY] [2 1 0] [0 0 0] [0 1 0 0 1 0 0 1 0 0]")
	wantEqual(t, "moved", []any{len(got.Moved), got.Moved[0].Account.GroupID, wordOf(got.Moved[0].From), wordOf(got.Moved[0].To), len(got.Moved[0].Contributions)}, []any{3, "g1", "-", "AT_RISK", 1})
	if a := healthOf(t, s.acme, "g1", nil); a.HealthModel != nil || a.Account.Health != nil {
		t.Errorf("a preview was saved: %+v", a)
	}
}

// overrideOf is what somebody says of an account of Acme that something counts for.
func overrideOf(t *testing.T, s story, group string) object {
	t.Helper()
	did(t, s, s.acme, group, 1)
	setModel(t, s.acme, useOfApp)
	return object{
		"account": accountID(t, s.acme, group), "score": 20.5, "reason": "Their champion has left.",
		"expiresAt": time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339),
	}
}

func somebodyKnowsBetter(t *testing.T, s story) {
	did(t, s, s.acme, "g1", 9)
	setModel(t, s.acme, useOfApp)
	scored(t, s, s.acme, "g1", 90)
	id, tomorrow := accountID(t, s.acme, "g1"), time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	var over struct {
		OverrideHealth struct{ Health healthScore }
	}
	s.acme.Manage(t, overrideIt, object{"account": id, "score": 20.5, "reason": "Their champion has left.", "expiresAt": tomorrow}, &over)
	h := over.OverrideHealth.Health
	wantEqual(t, "overridden", []any{*h.Score, *h.Band, *h.Calculated, h.Override.Reason, h.Override.Score, h.Override.ExpiresAt, *h.Trend.Scores[2]},
		[]any{20.5, "AT_RISK", 90.0, "Their champion has left.", 20.5, tomorrow, 20.5})
	var ended struct {
		EndHealthOverride struct{ Health healthScore }
	}
	s.acme.Manage(t, endOverrideIt, object{"account": id}, &ended)
	wantEqual(t, "over", []any{*ended.EndHealthOverride.Health.Score, ended.EndHealthOverride.Health.Override == nil}, []any{90.0, true})
	wantEqual(t, "changes", healthOf(t, s.acme, "g1", nil).changes(), "g1 AT_RISK>HEALTHY OVERRIDE, g1 HEALTHY>AT_RISK OVERRIDE, g1 ->HEALTHY MODEL")
}

func bandsAreToldElsewhere(t *testing.T, s story) {
	did(t, s, s.acme, "g1", 9)
	did(t, s, s.acme, "g2", 1)
	setModel(t, s.acme, useOfApp)
	scored(t, s, s.acme, "g1", 90)
	a := healthOf(t, s.acme, "g1", nil)
	entries := a.Account.Timeline.Nodes
	if len(entries) != 1 || wordOf(entries[0].BandChange.To) != "HEALTHY" {
		t.Errorf("timeline %+v", entries)
	}
	atRisk := object{"name": "At risk", "condition": object{"health": []string{"AT_RISK", "NEUTRAL"}}}
	id := gather(t, s.acme, "DYNAMIC", atRisk)
	wantEqual(t, "at risk", gathered(t, s.kit, s.acme, id).members(), "u-g2")
	did(t, s, s.acme, "g2", 9)
	scored(t, s, s.acme, "g2", 100)
	for deadline := time.Now().Add(30 * time.Second); gathered(t, s.kit, s.acme, id).members() != ""; {
		if time.Now().After(deadline) {
			t.Fatal("who is healthy stays at risk")
		}
	}
	byHealth := listOf(t, s.acme, listAccounts, "orderBy", "HEALTH")
	wantEqual(t, "by health", byHealth.names(), "g2 g1")
}

func modelsThatAreRefused(t *testing.T, s story) {
	did(t, s, s.acme, "g1", 1)
	id, tomorrow := accountID(t, s.acme, "g1"), time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	set := func(in object, change ...any) object {
		out := object{}
		for k, v := range in {
			out[k] = v
		}
		for i := 0; i < len(change); i += 2 {
			out[change[i].(string)] = change[i+1]
		}
		return object{"inputs": []object{out}}
	}
	for _, c := range []struct {
		document    string
		variables   object
		code, field string
	}{
		{setModelIt, object{"inputs": []object{}}, "BAD_USER_INPUT", "inputs"},
		{setModelIt, object{"inputs": []object{useOfApp, useOfApp}}, "BAD_USER_INPUT", "inputs[1].key"},
		{setModelIt, set(useOfApp, "days", 0), "BAD_USER_INPUT", "inputs[0].days"},
		{setModelIt, set(npsSaid, "staleAfterDays", 0), "BAD_USER_INPUT", "inputs[0].staleAfterDays"},
		{previewHealth, set(useOfApp, "best", 0), "BAD_USER_INPUT", "inputs[0].best"},
		{overrideIt, object{"account": id, "score": 20, "reason": "x", "expiresAt": tomorrow}, "NOT_FOUND", ""},
		{endOverrideIt, object{"account": "x"}, "NOT_FOUND", "account"},
		{allOfHealth, object{"groupId": "g1", "first": 101}, "BAD_USER_INPUT", "first"},
		{`query { account(groupId: "g1") { health { trend(days: 367) { days } } } }`, nil, "", ""},
	} {
		answer := s.kit.Ask(t, s.acme.ManageKey, c.document, c.variables)
		if c.code == "" {
			wantEqual(t, "there is none", len(answer.Errors), 0)
			continue
		}
		if len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != c.code || answer.Errors[0].Extensions.Field != c.field {
			t.Errorf("%v: %+v, want %s of %q", c.variables, answer.Errors, c.code, c.field)
		}
	}
}

// Inputs that tell of what is paid take the permission, and their values are shown to those who have it.
func paymentsAreHidden(t *testing.T, s story) {
	now := time.Now().UTC()
	record(t, s, s.acme, proPlan, fmt.Sprintf(`{"invoice": {"id": "i1", "groupId": "g1", "status": "OPEN", "currency": "EUR", "occurredAt": %q, "issuedAt": %q, "dueAt": %q, "lines": [{"kind": "RECURRING", "amount": 1}]}}`,
		now.AddDate(0, 0, -9).Format(time.RFC3339), now.AddDate(0, 0, -9).Format(time.RFC3339), now.AddDate(0, 0, -5).Format(time.RFC3339)))
	did(t, s, s.acme, "g1", 1)
	overdue := object{"key": "overdue", "name": "Overdue", "kind": "OVERDUE", "worst": 10, "best": 0}
	blind := newKey(t, s.acme, object{"kind": "MANAGE", "name": "blind", "permissions": []string{"READ", "MANAGE_DATA"}}).Secret
	for _, document := range []string{setModelIt, previewHealth} {
		e := s.kit.Ask(t, blind, document, object{"inputs": []object{overdue}}).Errors
		wantEqual(t, "without the right", []any{e[0].Extensions.Code, e[0].Extensions.Field}, []any{"FORBIDDEN", "inputs[0].kind"})
	}
	setModel(t, s.acme, overdue)
	a := scored(t, s, s.acme, "g1", 50)
	wantEqual(t, "shown", *a.Account.Health.Contributions[0].Value, 5.0)
	var hidden healthAnswer
	if err := json.Unmarshal(s.kit.Ask(t, blind, allOfHealth, object{"groupId": "g1"}).Data, &hidden); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "hidden", []any{hidden.Account.Health.Contributions[0].Value == nil, *hidden.Account.Health.Score}, []any{true, 50.0})
}

func strangersSeeNoHealth(t *testing.T, s story) {
	did(t, s, s.acme, "g1", 9)
	did(t, s, s.globex, "g1", 2)
	setModel(t, s.acme, useOfApp)
	a := scored(t, s, s.acme, "g1", 90)
	theirs := healthOf(t, s.globex, "g1", nil)
	if theirs.HealthModel != nil || theirs.Account.Health != nil || len(theirs.HealthChanges.Nodes) != 0 {
		t.Errorf("a stranger sees %+v", theirs)
	}
	change := healthOf(t, s.acme, "g1", nil).HealthChanges.Nodes[0].ID
	id, tomorrow := accountID(t, s.acme, "g1"), time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	setModel(t, s.globex, useOfApp)
	for document, variables := range map[string]object{
		overrideIt:    {"account": id, "score": 20, "reason": "x", "expiresAt": tomorrow},
		endOverrideIt: {"account": id},
		`query ($id: ID!) { node(id: $id) { id } }`: {"id": change},
	} {
		e := s.kit.Ask(t, s.globex.ManageKey, document, variables).Errors
		wantEqual(t, "a stranger's", e[0].Extensions.Code, "NOT_FOUND")
	}
	wantEqual(t, "ours", *healthOf(t, s.acme, "g1", nil).Account.Health.Score, *a.Account.Health.Score)
	var node struct{ Node struct{ ID string } }
	s.acme.Query(t, `query ($id: ID!) { node(id: $id) { id } }`, object{"id": change}, &node)
	wantEqual(t, "node", node.Node.ID, change)
}
