package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Erasing a person.
func TestErasure(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"an erased person is gone", anErasedPersonIsGone},
		{"erasures that are refused", erasuresThatAreRefused},
	})
}

// awaitErased follows an erasure until its events are gone.
func (s story) awaitErased(t *testing.T, who *served.Tenant, id string) {
	t.Helper()
	w := watchSocket(t, s.kit, who.ReadKey, live(fmt.Sprintf(`node(id: %q) { ... on Erasure { eventCount finishedAt } }`, id)))
	until(t, w, `"finishedAt":"`)
}

// Everything of a person goes, wherever it was, and of nobody else.
func anErasedPersonIsGone(t *testing.T, s story) {
	history := []string{
		`{"type":"track","messageId":"m1","event":"E","anonymousId":"secret-phone","timestamp":"` + noon + `"}`,
		event("m2", "E", "secret-ann", noon), event("m3", "Only", "secret-ann", "2026-05-03T10:00:00Z"), event("m4", "E", "ben", noon),
		said("m5", "identify", `"userId":"secret-ann","anonymousId":"secret-phone","traits":{"mail":"secret"}`),
		said("m6", "group", `"userId":"secret-ann","groupId":"g1","traits":{"seats":3}`),
		said("m7", "group", `"userId":"ben","groupId":"g1"`), event("m8", "E", "secret-anna", noon),
	}
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		tellOf(t, s, who, history...)
	}
	savePlan(t, s.acme, `{events: [{type: "Held", onViolation: QUARANTINE, properties: [{name: "p", required: true}]}]}`)
	wantVerdicts(t, s.acme.Batch(t, event("h1", "Held", "secret-ann", noon), event("h2", "Held", "ben", noon)), "QUARANTINED", "QUARANTINED")
	merge(t, s.acme, "secret-anna", "secret-ann")
	if e, u := count(t, s.acme); e != 8 || u != 2 {
		t.Fatalf("%d events of %d users", e, u)
	}
	old := user(t, s.acme, "secret-anna").ID
	record := erase(t, s.acme, "secret-anna")
	wantEqual(t, "record", []any{record.Reason, record.IdentityCount}, []any{"asked to", 3})
	for _, name := range []string{"secret-ann", "secret-anna"} { // at once
		if found := user(t, s.acme, name); found != nil {
			t.Errorf("%s is still %+v", name, found)
		}
	}
	s.awaitErased(t, s.acme, record.ID)
	if e, u := count(t, s.acme); e != 2 || u != 1 {
		t.Errorf("%d events of %d users are left, want Ben's 2 of 1", e, u)
	}
	if e, u := count(t, s.globex); e != 8 || u != 3 {
		t.Errorf("the stranger has %d events of %d users, want 8 of 3", e, u)
	}
	s.wantNoTrace(t, "secret")
	var aside struct{ QuarantinedEvents struct{ TotalCount int } }
	s.acme.Query(t, `{ quarantinedEvents { totalCount } }`, nil, &aside)
	wantEqual(t, "events kept aside", aside.QuarantinedEvents.TotalCount, 1)
	if gone := s.kit.Ask(t, s.acme.ReadKey, customerNodes, map[string]any{"id": old}); len(gone.Errors) != 1 {
		t.Errorf("the old id finds %s", gone.Data)
	}
	var account struct{ Account company }
	s.acme.Query(t, allOfAccount, map[string]any{"groupId": "g1"}, &account)
	wantEqual(t, "the account's traits", account.Account.Traits, map[string]any{"seats": 3.0})
	wantEqual(t, "its members", len(account.Account.Members.Nodes), 1)

	// The same messages again are duplicates; another one is somebody new.
	for _, v := range tellOf(t, s, s.acme, history...) {
		wantEqual(t, v.MessageID, string(v.Status), "DUPLICATE")
	}
	tellOf(t, s, s.acme, event("m9", "E", "secret-ann", noon))
	if again := user(t, s.acme, "secret-ann"); again.ID == old || len(again.Traits) > 0 || len(again.TraitHistory.Nodes) > 0 || len(again.Identities.Nodes) != 1 {
		t.Errorf("whoever comes again is %+v", again)
	}
}

// wantNoTrace looks for a word in every row of Acme's.
func (s story) wantNoTrace(t *testing.T, word string) {
	t.Helper()
	conn := owner(t, s.kit.DB)
	for _, table := range tenantTables(t, conn) {
		if strings.HasPrefix(table, "closed_") {
			continue
		}
		if n := number(t, conn, "select count(*) from "+table+" r where tenant_id = $1 and r::text like '%' || $2::text || '%'", s.acme.ID, word); n > 0 {
			t.Errorf("%d rows of %s have %q", n, table, word)
		}
	}
	left := number(t, conn, `select count(*) from erasure e where tenant_id = $1 and exists (
		select from presence p where p.tenant_id = e.tenant_id and (p.identity_id = any (e.identity_ids) or p.person_id = any (e.identity_ids))
		union all select from event x where x.tenant_id = e.tenant_id and x.identity_id = any (e.identity_ids)
		union all select from trait_change c where c.tenant_id = e.tenant_id and c.subject = 'person' and c.subject_id = any (e.identity_ids)
		union all select from membership m where m.tenant_id = e.tenant_id and m.identity_id = any (e.identity_ids)
		union all select from profile f where f.tenant_id = e.tenant_id and f.subject = 'person' and f.subject_id = any (e.identity_ids)
		union all select from ticket k where k.tenant_id = e.tenant_id and k.identity_id = any (e.identity_ids)
		union all select from person_merge g where g.tenant_id = e.tenant_id and (g.from_id = any (e.identity_ids) or g.into_id = any (e.identity_ids))
		union all select from identity i where i.tenant_id = e.tenant_id and (i.identity_id = any (e.identity_ids) or i.linked_to = any (e.identity_ids)))`, s.acme.ID)
	if left > 0 {
		t.Errorf("%d erasures have left something", left)
	}
}

func erasuresThatAreRefused(t *testing.T, s story) {
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		tellOf(t, s, who, event("m1", "E", "ann", noon))
	}
	ann, theirs := user(t, s.acme, "ann"), user(t, s.globex, "ann")
	for name, id := range map[string]string{"a stranger": theirs.ID, "an identity's id": ann.Identities.Nodes[0].ID, "nothing": "x"} {
		answer := s.kit.Ask(t, s.acme.ManageKey, eraseIt, map[string]any{"id": id})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "NOT_FOUND" || answer.Errors[0].Extensions.Field != "id" {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	if e, u := count(t, s.globex); e != 1 || u != 1 {
		t.Errorf("the stranger has %d events of %d users", e, u)
	}
}
