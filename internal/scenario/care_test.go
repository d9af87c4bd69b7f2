package scenario_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Who looks after customers, and what was noted of them.
func TestCare(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"notes are written, changed and removed", notesAreWritten},
		{"notes follow a person", notesFollowAPerson},
		{"notes of the erased are erased", notesOfTheErased},
		{"somebody looks after a customer", somebodyLooksAfterACustomer},
		{"what is refused", careThatIsRefused},
	})
}

const (
	noteFields = `id text author { id name } createdAt changedAt customer { __typename ... on Account { groupId } ... on Person { userIds } }`
	addNoteIt  = `mutation ($to: ID!, $text: String!) { addNote(to: $to, text: $text) { ` + noteFields + ` } }`
	changeNote = `mutation ($id: ID!, $text: String!) { changeNote(id: $id, text: $text) { id text changedAt } }`
	removeNote = `mutation ($id: ID!) { removeNote(id: $id) }`
	setOwnerIt = `mutation ($of: ID!, $owner: ID) { setOwner(of: $of, owner: $owner) { ... on Account { groupId owner { id name } } ... on Person { userIds owner { name } } } }`
	allOfCare  = `query ($groupId: String!, $userId: String!, $first: Int! = 20, $after: String) {
		account(groupId: $groupId) { owner { name } notes(first: $first, after: $after) {
			edges { cursor node { id } } nodes { ` + noteFields + ` } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
		person(userId: $userId) { owner { name } notes(first: $first) { nodes { id text } } } }`
)

type noteOf struct {
	ID, Text, CreatedAt string
	ChangedAt           *string
	Author              *struct{ Name string }
	Customer            *struct{ GroupID string }
}

type cared struct {
	Account, Person *struct {
		Owner *struct{ Name string }
		Notes struct {
			Nodes    []noteOf
			PageInfo pageInfo
		}
	}
}

func accountID(t *testing.T, who *served.Tenant, groupID string) string {
	t.Helper()
	var answer struct{ Account struct{ ID string } }
	who.Query(t, `query ($id: String!) { account(groupId: $id) { id } }`, map[string]any{"id": groupID}, &answer)
	return answer.Account.ID
}

func noteOn(t *testing.T, who *served.Tenant, to, text string) noteOf {
	t.Helper()
	var answer struct{ AddNote noteOf }
	who.Manage(t, addNoteIt, map[string]any{"to": to, "text": text}, &answer)
	return answer.AddNote
}

// own has somebody new, Olga, look after a customer, and gives her id.
func own(t *testing.T, s story, who *served.Tenant, of string) string {
	t.Helper()
	login := uuid.New()
	s.kit.Exec(t, `insert into login (login_id, email, name) values ($1::uuid, $1::text || '@example.com', 'Olga')`, login)
	s.kit.Exec(t, `insert into member (tenant_id, login_id, role_id) select tenant_id, $2, role_id from role where tenant_id = $1 and builtin = 'ANALYST'`, who.ID, login)
	var members struct {
		Members struct{ Nodes []struct{ ID, Name string } }
	}
	who.Manage(t, `{ members(first: 100) { nodes { id name } } }`, nil, &members)
	owner := members.Members.Nodes[len(members.Members.Nodes)-1].ID
	who.Manage(t, setOwnerIt, map[string]any{"of": of, "owner": owner}, &struct{}{})
	return owner
}

func careOf(t *testing.T, who *served.Tenant, variables map[string]any) (c cared) {
	t.Helper()
	for name, usual := range map[string]any{"groupId": "g1", "userId": "ann"} {
		if variables[name] == nil {
			variables[name] = usual
		}
	}
	who.Query(t, allOfCare, variables, &c)
	return c
}

func notesAreWritten(t *testing.T, s story) {
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		tellOf(t, s, who, said("m1", "group", `"userId":"ann","groupId":"g1"`))
	}
	g1 := accountID(t, s.acme, "g1")
	first := noteOn(t, s.acme, g1, "They asked for an invoice.")
	wantEqual(t, "note", []any{first.Text, first.Customer.GroupID, first.Author == nil, first.ChangedAt == nil}, []any{"They asked for an invoice.", "g1", true, true})
	second := noteOn(t, s.acme, g1, strings.Repeat("ä", 10_000))
	got := careOf(t, s.acme, map[string]any{"first": 1}).Account.Notes
	wantEqual(t, "the latest", []any{got.Nodes[0].ID, got.PageInfo.HasNextPage}, []any{second.ID, true})
	got = careOf(t, s.acme, map[string]any{"first": 1, "after": *got.PageInfo.EndCursor}).Account.Notes
	wantEqual(t, "the one before", []any{got.Nodes[0].ID, got.PageInfo.HasNextPage}, []any{first.ID, false})

	var changed struct{ ChangeNote noteOf }
	s.acme.Manage(t, changeNote, map[string]any{"id": first.ID, "text": "They got it."}, &changed)
	wantEqual(t, "changed", []any{changed.ChangeNote.Text, changed.ChangeNote.ChangedAt != nil}, []any{"They got it.", true})
	s.acme.Manage(t, removeNote, map[string]any{"id": second.ID}, &struct{}{})
	left := careOf(t, s.acme, map[string]any{}).Account.Notes.Nodes
	wantEqual(t, "left", []any{len(left), left[0].Text}, []any{1, "They got it."})
	var kept int
	s.kit.Scan(t, `select count(*) from customer_note where tenant_id = $1 and body like 'ä%'`, []any{s.acme.ID}, &kept)
	wantEqual(t, "what was removed says", kept, 0)
	for _, c := range []struct{ document, id string }{{changeNote, second.ID}, {removeNote, second.ID}, {customerNodes, second.ID}} {
		answer := s.kit.Ask(t, s.acme.ManageKey, c.document, map[string]any{"id": c.id, "text": "x"})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("removed: %+v", answer)
		}
	}
	if stranger := careOf(t, s.globex, map[string]any{}); len(stranger.Account.Notes.Nodes) > 0 {
		t.Errorf("the stranger reads %+v", stranger.Account)
	}
	for _, document := range []string{customerNodes, changeNote, removeNote} {
		answer := s.kit.Ask(t, s.globex.ManageKey, document, map[string]any{"id": first.ID, "text": "x"})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("the stranger gets %+v", answer)
		}
	}
	var said []string
	for _, e := range logOf(t, s.acme, map[string]any{"actions": []string{"NOTE_ADDED", "NOTE_CHANGED", "NOTE_REMOVED"}}).AuditLog.Nodes {
		if said = append(said, e.Action); strings.Contains(string(e.After)+string(e.Before), "got it") {
			t.Errorf("the log says %s", e.After)
		}
	}
	wantEqual(t, "log", said, []string{"NOTE_REMOVED", "NOTE_CHANGED", "NOTE_ADDED", "NOTE_ADDED"})
}

func notesFollowAPerson(t *testing.T, s story) {
	tellOf(t, s, s.acme, event("m1", "E", "ann", noon), event("m2", "E", "ben", noon), said("m3", "group", `"userId":"ann","groupId":"g1"`))
	noteOn(t, s.acme, user(t, s.acme, "ann").ID, "of ann")
	noteOn(t, s.acme, user(t, s.acme, "ben").ID, "of ben")
	own(t, s, s.acme, user(t, s.acme, "ben").ID)
	made := merge(t, s.acme, "ann", "ben")
	both := careOf(t, s.acme, map[string]any{"userId": "ann"}).Person
	wantEqual(t, "merged", []any{len(both.Notes.Nodes), both.Notes.Nodes[0].Text, both.Owner.Name}, []any{2, "of ben", "Olga"})
	s.acme.Manage(t, undoIt, map[string]any{"id": made}, &struct{}{})
	ann := careOf(t, s.acme, map[string]any{"userId": "ann"}).Person
	wantEqual(t, "undone", []any{len(ann.Notes.Nodes), ann.Notes.Nodes[0].Text, ann.Owner == nil}, []any{1, "of ann", true})
}

func notesOfTheErased(t *testing.T, s story) {
	tellOf(t, s, s.acme, event("m1", "E", "ann", noon), said("m3", "group", `"userId":"ben","groupId":"g1"`))
	ann := user(t, s.acme, "ann").ID
	written := noteOn(t, s.acme, ann, "of ann")
	own(t, s, s.acme, ann)
	erase(t, s.acme, "ann")
	answer := s.kit.Ask(t, s.acme.ReadKey, customerNodes, map[string]any{"id": written.ID})
	if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "NOT_FOUND" {
		t.Errorf("while she is erased: %+v", answer)
	}
	s.waitErased(t)
	var left int
	s.kit.Scan(t, `select (select count(*) from customer_note where tenant_id = $1) + (select count(*) from customer_owner where tenant_id = $1)`, []any{s.acme.ID}, &left)
	wantEqual(t, "left", left, 0)
}

func somebodyLooksAfterACustomer(t *testing.T, s story) {
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		tellOf(t, s, who, said("m1", "group", `"userId":"ann","groupId":"g1"`))
	}
	g1 := accountID(t, s.acme, "g1")
	olga := own(t, s, s.acme, g1)
	wantEqual(t, "owner", careOf(t, s.acme, map[string]any{}).Account.Owner.Name, "Olga")
	if stranger := careOf(t, s.globex, map[string]any{}).Account; stranger.Owner != nil {
		t.Errorf("the stranger sees %+v", stranger.Owner)
	}
	foreign := s.kit.Ask(t, s.globex.ManageKey, setOwnerIt, map[string]any{"of": accountID(t, s.globex, "g1"), "owner": olga})
	if len(foreign.Errors) != 1 || foreign.Errors[0].Extensions.Code != "NOT_FOUND" || foreign.Errors[0].Extensions.Field != "owner" {
		t.Errorf("another's member: %+v", foreign.Errors)
	}
	s.acme.Manage(t, `mutation ($id: ID!) { removeMember(id: $id) }`, map[string]any{"id": olga}, &struct{}{})
	if got := careOf(t, s.acme, map[string]any{}).Account; got.Owner != nil {
		t.Errorf("who has left is %+v", got.Owner)
	}
	s.acme.Manage(t, setOwnerIt, map[string]any{"of": g1}, &struct{}{})
}

func careThatIsRefused(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "group", `"userId":"ann","groupId":"g1"`))
	g1, ann := accountID(t, s.acme, "g1"), user(t, s.acme, "ann")
	for name, c := range map[string]struct{ to, text, code, field string }{
		"nothing":            {g1, "", badInput, "text"},
		"blank":              {g1, " \n", badInput, "text"},
		"too long":           {g1, strings.Repeat("x", 10_001), badInput, "text"},
		"what can't be kept": {g1, "a\x00b", badInput, "text"},
		"on an identity":     {ann.Identities.Nodes[0].ID, "x", "NOT_FOUND", "to"},
		"on nobody":          {"x", "x", "NOT_FOUND", "to"},
	} {
		answer := s.kit.Ask(t, s.acme.ManageKey, addNoteIt, map[string]any{"to": c.to, "text": c.text})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != c.code || answer.Errors[0].Extensions.Field != c.field {
			t.Errorf("%s: %+v, want %s in %s", name, answer.Errors, c.code, c.field)
		}
	}
	answer := s.kit.Ask(t, s.acme.ReadKey, addNoteIt, map[string]any{"to": g1, "text": "x"})
	if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("who only reads: %+v", answer.Errors)
	}
}
