package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Cohorts: who they are, how they are found, and figures by them.
func TestCohorts(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a cohort is previewed, made and found", aCohortIsFound},
		{"a condition is given back as it was given", aConditionIsGivenBack},
		{"figures are told by it", figuresAreToldByACohort},
		{"what cannot be a cohort", whatCannotBeACohort},
		{"a condition takes what it compares takes", aConditionTakesWhatItComparesTakes},
		{"a change is pushed", aChangeOfACohortIsPushed},
		{"many cohorts take few statements", manyCohortsTakeFewStatements},
		{"strangers see nothing of it", strangersSeeNoCohort},
		{"a cohort is given up", aCohortIsGivenUp},
	})
}

// How cohorts are made.
const (
	createCohortIt  = `mutation ($kind: CohortKind = DYNAMIC, $cohort: CohortInput!) { createCohort(kind: $kind, cohort: $cohort) { id } }`
	changeCohortIt  = `mutation ($id: ID!, $cohort: CohortInput!) { changeCohort(id: $id, cohort: $cohort) { id version } }`
	deleteCohortIt  = `mutation ($id: ID!) { deleteCohort(id: $id) }`
	previewCohortIt = `query ($c: CohortConditionInput!) { cohortPreview(condition: $c) { size known share exact asOf people { userIds } } }`
	evaluateIt      = `mutation ($id: ID!) { evaluateCohort(id: $id) { id } }`
	allOfACohort    = `query ($id: ID!) { cohort(id: $id) {
		id name description kind version createdAt createdBy changedAt size evaluatedAt
		evaluations(first: 5) { edges { cursor node { id } } nodes { id state reason version progress requestedAt at finishedAt exact size entered left problem } pageInfo { hasNextPage } }
		members(first: 5) { edges { cursor node { enteredAt } } nodes { person { id userIds cohorts { id name } } enteredAt leftAt } pageInfo { hasNextPage } }
		changes(first: 5) { edges { cursor node { entered } } nodes { person { id } at entered } pageInfo { hasNextPage } }
		usedBy { name }
		condition { ...C and { ...C not { ...C } } or { ...C not { ...C } } not { ...C and { ...C } } } } }
		fragment C on CohortCondition {
			trait { of name operator values } plan mrr { operator amount { amount currency } } health cohort { id name }
			did { types times count filter { ...F and { ...F } or { ...F } not { ...F } } within { from to last { count interval } } }
			stopped { types filter { ...F } last { count interval } }
			firstSeen { from to last { count interval } } }
		fragment F on Filter { dimension { kind name } operator values }`
	allCohorts = `{ cohorts(first: 10) { edges { cursor node { id } } nodes { id name size
		evaluations(first: 1) { nodes { state } } members(first: 5) { nodes { person { id cohorts { id } } } }
		changes(first: 5) { nodes { entered } } usedBy { id } condition { cohort { id name } } } pageInfo { hasNextPage } } }`
)

var payers = object{"name": "Payers", "condition": object{"did": object{"types": []string{"Pay"}}}}

// gather makes a cohort, and gives its id.
func gather(t *testing.T, who *served.Tenant, kind string, cohort object) string {
	t.Helper()
	var answer struct{ CreateCohort struct{ ID string } }
	who.Manage(t, createCohortIt, object{"kind": kind, "cohort": cohort}, &answer)
	return answer.CreateCohort.ID
}

type aCohort struct {
	Cohort struct {
		ID, Name    string
		Version     int
		Size        *int
		Evaluations struct {
			Nodes []struct {
				State, Reason       string
				Progress            float64
				Size, Entered, Left *int
				Problem             *string
			}
		}
		Members struct {
			Nodes []struct {
				Person struct {
					ID      string
					UserIDs []string
					Cohorts []struct{ Name string }
				}
			}
		}
		Changes   struct{ Nodes []struct{ Entered bool } }
		UsedBy    []struct{ Name string }
		Condition object
	}
}

func (c aCohort) members() string {
	var list []string
	for _, m := range c.Cohort.Members.Nodes {
		list = append(list, m.Person.UserIDs...)
	}
	return strings.Join(list, " ")
}

// gathered waits until a cohort is found, and gives it.
func gathered(t *testing.T, kit *served.Kit, who *served.Tenant, id string) (c aCohort) {
	t.Helper()
	done := false
	for deadline := time.Now().Add(30 * time.Second); ; {
		c = aCohort{}
		kit.Exec(t, `update cohort_evaluation set requested_at = requested_at - interval '1 hour' where state in ('DONE', 'FAILED')`)
		who.Manage(t, allOfACohort, object{"id": id}, &c)
		if e := c.Cohort.Evaluations.Nodes; len(e) > 0 && e[0].State == "DONE" {
			if done { // before all of this was read
				return c
			}
			done = true
			continue
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not found: %+v", c)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func aCohortIsFound(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "Pay", "ann", noon), event("m2", "Pay", "ben", noon), event("m3", "Open", "cem", noon))
	s.globex.Batch(t, event("m1", "Pay", "zoe", noon))
	var preview struct {
		CohortPreview struct {
			Size, Known int
			Share       float64
			Exact       bool
			AsOf        string
			People      []struct{ UserIDs []string }
		}
	}
	s.acme.Manage(t, previewCohortIt, object{"c": payers["condition"]}, &preview)
	got := preview.CohortPreview
	if got.Size != 2 || got.Known != 3 || got.Share < 0.66 || got.Share > 0.67 || !got.Exact || len(got.People) != 2 || got.People[0].UserIDs[0] != "ann" {
		t.Errorf("preview %+v", got)
	}
	id := gather(t, s.acme, "DYNAMIC", payers)
	c := gathered(t, s.kit, s.acme, id)
	e := c.Cohort.Evaluations.Nodes[0]
	wantEqual(t, "members", c.members(), "ann ben")
	if *c.Cohort.Size != 2 || e.Reason != "CREATED" || e.Progress != 1 || *e.Size != 2 || *e.Entered != 2 || *e.Left != 0 || e.Problem != nil {
		t.Errorf("evaluation %+v", e)
	}
	wantEqual(t, "changes", len(c.Cohort.Changes.Nodes), 2)
	wantEqual(t, "cohorts of a member", c.Cohort.Members.Nodes[0].Person.Cohorts, []struct{ Name string }{{"Payers"}})
	s.acme.Manage(t, evaluateIt, object{"id": id}, &struct{}{})
	wantEqual(t, "members", gathered(t, s.kit, s.acme, id).members(), "ann ben")
}

func aConditionIsGivenBack(t *testing.T, s story) {
	other := gather(t, s.acme, "STATIC", payers)
	condition := object{"and": []object{
		{"trait": object{"of": "USER_TRAIT", "name": "plan.tier", "operator": "EQUALS", "values": []any{"gold", 3, true}}},
		{"did": object{"types": []string{"Pay"}, "times": "EXACTLY", "count": 2,
			"filter": object{"or": []object{{"dimension": object{"kind": "PROPERTY", "name": "p"}, "operator": "IS_SET"}}},
			"within": object{"last": object{"count": 7, "interval": "DAY"}}}},
		{"stopped": object{"last": object{"count": 2, "interval": "WEEK"}}},
		{"not": object{"firstSeen": object{"from": "2026-01-01T00:00:00Z"}}},
		{"cohort": other}, {"plan": []string{"pro"}}, {"mrr": object{"operator": "AT_LEAST", "amount": 100}},
	}}
	id := gather(t, s.acme, "DYNAMIC", object{"name": "All of it", "description": "Long.", "condition": condition})
	var answer aCohort
	s.acme.Manage(t, allOfACohort, object{"id": id}, &answer)
	parts := answer.Cohort.Condition["and"].([]any)
	of := func(i int, name string) object { return parts[i].(object)[name].(object) }
	wantEqual(t, "values", of(0, "trait")["values"], []any{"gold", 3.0, true})
	wantEqual(t, "count", of(1, "did")["count"], any(2.0))
	wantEqual(t, "last", of(1, "did")["within"].(object)["last"], any(object{"count": 7.0, "interval": "DAY"}))
	wantEqual(t, "filter", of(1, "did")["filter"].(object)["or"].([]any)[0].(object)["dimension"], any(object{"kind": "PROPERTY", "name": "p"}))
	wantEqual(t, "from", of(3, "not")["firstSeen"].(object)["from"], any("2026-01-01T00:00:00Z"))
	wantEqual(t, "cohort", of(4, "cohort")["id"], any(other))
	wantEqual(t, "plan", parts[5].(object)["plan"], any([]any{"pro"}))
	wantEqual(t, "mrr", of(6, "mrr")["amount"], any(object{"amount": 100.0, "currency": "USD"}))
	gathered(t, s.kit, s.acme, id)
	s.acme.Manage(t, allOfACohort, object{"id": other}, &answer)
	wantEqual(t, "used by", answer.Cohort.UsedBy, []struct{ Name string }{{"All of it"}})
	wantEqual(t, "deleting what is used", s.kit.Ask(t, s.acme.ManageKey, deleteCohortIt, object{"id": other}).Errors[0].Extensions.Field, "id")
}

const byCohort = `query ($id: String!, $in: [JSON!]!) { metric(key: "events") {
	all: value(` + thatDay + `) { value }
	in: value(` + thatDay + `, filter: {dimension: {kind: COHORT}, operator: EQUALS, values: $in}) { value }
	out: value(` + thatDay + `, filter: {dimension: {kind: COHORT}, operator: NOT_EQUALS, values: $in}) { value }
	breakdown(` + thatDay + `, by: {kind: COHORT, name: $id}) { by { kind name } rows { keys value } } } }`

const inCohort = `query ($in: [JSON!]!) { metric(key: "events") {
	value(` + thatDay + `, filter: {not: {dimension: {kind: COHORT}, operator: EQUALS, values: $in}}) { value } } }`

func figuresAreToldByACohort(t *testing.T, s story) {
	id := gather(t, s.acme, "DYNAMIC", object{"name": "Openers", "condition": object{"did": object{"types": []string{"Open"}}}})
	s.acme.Batch(t, event("f1", "Open", "cem", noon), event("f2", "Pay", "cem", noon), event("f3", "Pay", "dua", noon))
	gathered(t, s.kit, s.acme, id)
	type figure struct{ Value float64 }
	var answer struct {
		Metric struct {
			All, In, Out figure
			Breakdown    struct {
				By   []struct{ Kind, Name string }
				Rows []struct {
					Keys  []*string
					Value float64
				}
			}
		}
	}
	s.acme.Query(t, byCohort, object{"id": id, "in": []string{id}}, &answer)
	m := answer.Metric
	if m.In.Value != 2 || m.Out.Value != 1 || m.All.Value != 3 {
		t.Errorf("figures %+v", m)
	}
	wantEqual(t, "by", m.Breakdown.By, []struct{ Kind, Name string }{{"COHORT", id}})
	rows := map[string]float64{}
	for _, r := range m.Breakdown.Rows {
		rows[*r.Keys[0]] = r.Value
	}
	wantEqual(t, "groups", rows, map[string]float64{"true": 2, "false": 1})
	for _, c := range []struct {
		key   string
		id    string
		field string
	}{{s.acme.ReadKey, "x", "filter.not.values"}, {s.globex.ReadKey, id, "filter.not.values"}} {
		e := s.kit.Ask(t, c.key, inCohort, object{"in": []string{c.id}}).Errors[0]
		if e.Extensions.Code != "BAD_USER_INPUT" || e.Extensions.Field != c.field {
			t.Errorf("error %+v", e)
		}
	}
}

func whatCannotBeACohort(t *testing.T, s story) {
	for field, condition := range map[string]object{
		"cohort.condition":                   {},
		"cohort.condition.and[1]":            {"and": []object{{"did": object{}}, {"did": object{}, "cohort": gather(t, s.acme, "STATIC", payers)}}},
		"cohort.condition.not.cohort":        {"not": object{"cohort": "x"}},
		"cohort.condition.did.filter.values": {"did": object{"filter": object{"dimension": object{"kind": "PROPERTY", "name": "p"}, "operator": "EQUALS"}}},
		"cohort.condition.trait.values":      {"trait": object{"of": "USER_TRAIT", "name": "p", "operator": "EQUALS", "values": []any{[]any{}}}},
	} {
		e := s.kit.Ask(t, s.acme.ManageKey, createCohortIt, object{"cohort": object{"name": "X", "condition": condition}}).Errors[0]
		wantEqual(t, "field", e.Extensions.Field, field)
	}
}

func aConditionTakesWhatItComparesTakes(t *testing.T, s story) {
	id := gather(t, s.acme, "DYNAMIC", object{"name": "Gold", "condition": object{"trait": object{"of": "USER_TRAIT", "name": "tier", "operator": "EQUALS", "values": []any{"gold"}}}})
	gathered(t, s.kit, s.acme, id)
	viewer := newKey(t, s.acme, object{"kind": "READ", "name": "n", "permissions": []string{"READ_METRICS"}})
	answer := s.kit.Ask(t, viewer.Secret, `query ($id: ID!) { cohort(id: $id) { name condition { trait { name } } } }`, object{"id": id})
	if len(answer.Errors) > 0 || !strings.Contains(string(answer.Data), `"condition":null`) {
		t.Errorf("answer %s, %v", answer.Data, answer.Errors)
	}
	e := s.kit.Ask(t, viewer.Secret, `query ($id: ID!) { cohort(id: $id) { members { nodes { enteredAt } } } }`, object{"id": id}).Errors
	wantEqual(t, "members", e[0].Extensions.Code, "FORBIDDEN")
}

func aChangeOfACohortIsPushed(t *testing.T, s story) {
	id := gather(t, s.acme, "DYNAMIC", object{"name": "Late", "condition": object{"did": object{"types": []string{"Late"}}}})
	gathered(t, s.kit, s.acme, id)
	socket := s.kit.Connect(t, s.acme.ReadKey)
	socket.Subscribe(t, `subscription { live { query { cohort(id: "`+id+`") { size } metric(key: "active_users") {
		value(`+thatDay+`, filter: {dimension: {kind: COHORT}, operator: EQUALS, values: ["`+id+`"]}) { value } } } } }`)
	socket.Until(t, `"size":0`)
	s.acme.Batch(t, event("late1", "Late", "dua", noon))
	s.kit.Exec(t, `update cohort_evaluation set requested_at = requested_at - interval '1 hour' where state = 'DONE'`)
	frame := socket.Until(t, `"size":1`)
	if !strings.Contains(string(frame.Payload), `"value":1`) {
		socket.Until(t, `"value":1`)
	}
}

func manyCohortsTakeFewStatements(t *testing.T, s story) {
	s.acme.Batch(t, event("n1", "Pay", "ann", noon), event("n2", "Pay", "ben", noon))
	for range 5 {
		id := gather(t, s.acme, "DYNAMIC", payers)
		gathered(t, s.kit, s.acme, gather(t, s.acme, "DYNAMIC", object{"name": "Of others", "condition": object{"cohort": id}}))
	}
	s.acme.Manage(t, allCohorts, nil, &struct{}{})
	s.kit.Statements.TakeForAnswers()
	var answer struct{ Cohorts struct{ Nodes []object } }
	s.acme.Manage(t, allCohorts, nil, &answer)
	if len(answer.Cohorts.Nodes) < 5 {
		t.Fatal("too few cohorts: ", len(answer.Cohorts.Nodes))
	}
	for name, n := range s.kit.Statements.TakeForAnswers() {
		if n > 2 { // one, or two where a machine is too busy to gather what is asked at the same time
			t.Errorf("%s was asked %d times", name, n)
		}
	}
}

func strangersSeeNoCohort(t *testing.T, s story) {
	id := gather(t, s.acme, "DYNAMIC", payers)
	var answer struct{ Cohorts struct{ Nodes []object } }
	s.globex.Manage(t, allCohorts, nil, &answer)
	wantEqual(t, "cohorts", len(answer.Cohorts.Nodes), 0)
	for _, query := range []string{allOfACohort, deleteCohortIt, evaluateIt, `query ($id: ID!) { node(id: $id) { id } }`} {
		e := s.kit.Ask(t, s.globex.ManageKey, query, object{"id": id}).Errors
		wantEqual(t, "a stranger's", e[0].Extensions.Code, "NOT_FOUND")
	}
	var node struct{ Node struct{ ID string } }
	s.acme.Query(t, `query ($id: ID!) { node(id: $id) { id } }`, object{"id": id}, &node)
	wantEqual(t, "node", node.Node.ID, id)
}

func aCohortIsGivenUp(t *testing.T, s story) {
	id := gather(t, s.acme, "DYNAMIC", payers)
	s.acme.Manage(t, changeCohortIt, object{"id": id, "cohort": object{"name": "Other", "condition": object{"did": object{"types": []string{"Open"}}}}}, &struct{}{})
	wantEqual(t, "name", gathered(t, s.kit, s.acme, id).Cohort.Name, "Other")
	s.acme.Manage(t, deleteCohortIt, object{"id": id}, &struct{}{})
	wantEqual(t, "gone", s.kit.Ask(t, s.acme.ReadKey, allOfACohort, object{"id": id}).Errors[0].Extensions.Code, "NOT_FOUND")
}
