package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Documents that a tenant registers, and has no others run.
func TestTrustedDocuments(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"documents are registered, listed and retired", documentsAreKept},
		{"what cannot be registered", whatCannotBeRegistered},
		{"only registered documents run", onlyRegisteredDocumentsRun},
		{"a live query loses its document, and finds it again", aLiveQueryLosesItsDocument},
		{"a registration at a time", aRegistrationAtATime},
	})
}

const (
	tenantName = `query Name { tenant { name } }`
	countAll   = `query All { events { count } }`
)

func documentsAreKept(t *testing.T, s story) {
	var bodies []string
	for i := range 5 {
		bodies = append(bodies, fmt.Sprintf("query Q%d { tenant { name } }", i))
	}
	for i, o := range register(t, s.acme, append(bodies, bodies[0])...) {
		if i == 5 {
			wantEqual(t, "the same again", []string{o.Status, o.Hash}, []string{"KNOWN", hashOf(bodies[0])})
			continue
		}
		wantEqual(t, "outcome", []string{o.Status, o.Hash, o.Document.Hash, o.Document.Name, o.Document.Body},
			[]string{"REGISTERED", hashOf(bodies[i]), hashOf(bodies[i]), fmt.Sprint("Q", i), bodies[i]})
	}
	var pages []string
	var after any
	for more := true; more; {
		page := listDocuments(t, s.acme, 2, after, false).TrustedDocuments
		wantEqual(t, "in all", page.TotalCount, 5)
		for _, d := range page.Nodes {
			pages = append(pages, d.Body)
		}
		more, after = page.PageInfo.HasNextPage, page.Edges[len(page.Edges)-1].Cursor
	}
	if len(pages) != 5 || !containsAll(pages, bodies) {
		t.Errorf("the pages have %q", pages)
	}
	one := listDocuments(t, s.acme, 1, nil, false).TrustedDocuments.Nodes[0]
	retire(t, s.acme, one.ID)
	retire(t, s.acme, one.ID) // again, which changes nothing
	wantEqual(t, "left", listDocuments(t, s.acme, 10, nil, false).TrustedDocuments.TotalCount, 4)
	wantEqual(t, "retired", listDocuments(t, s.acme, 10, nil, true).TrustedDocuments.Nodes[0].Hash, one.Hash)
	wantEqual(t, "back", registerDrafts(t, s.acme, []input{{"body": one.Body, "name": "Again"}})[0].Document.Name, "Again")
	wantEqual(t, "and not retired", listDocuments(t, s.acme, 10, nil, true).TrustedDocuments.TotalCount, 0)

	var found struct{ Node trustedDocument }
	node := map[string]any{"id": one.ID}
	const byID = `query ($id: ID!) { node(id: $id) { id ... on TrustedDocument { hash } } }`
	s.acme.Manage(t, byID, node, &found)
	wantEqual(t, "by its id", found.Node.Hash, one.Hash)
	if got := s.kit.Ask(t, s.globex.ManageKey, byID, node); got.Errors[0].Extensions.Code != "NOT_FOUND" {
		t.Errorf("the stranger gets %+v", got)
	}
	if got := s.kit.Ask(t, s.globex.ManageKey, retireIt, node); got.Errors[0].Extensions.Code != "NOT_FOUND" {
		t.Errorf("the stranger retires it: %+v", got)
	}
	wantEqual(t, "the stranger's", listDocuments(t, s.globex, 10, nil, false).TrustedDocuments.TotalCount, 0)
}

func containsAll(list, want []string) bool {
	for _, w := range want {
		if !strings.Contains(strings.Join(list, "\n")+"\n", w+"\n") {
			return false
		}
	}
	return true
}

// Each is refused for itself, with what is wrong with it, and keeps no other out.
func whatCannotBeRegistered(t *testing.T, s story) {
	cases := []struct {
		draft  input
		field  string
		reason string
	}{
		{input{"body": ""}, "body", "65536"},
		{input{"body": "{ tenant { name } } #" + strings.Repeat(secret, 10_000)}, "body", "65536"},
		{input{"body": "{ tenant {"}, "body", "does not parse"},
		{input{"body": "{ tenant { nosuch } }"}, "body", "does not fit the schema"},
		{input{"body": "query Q { tenant { ...F } }"}, "body", "does not fit the schema"},
		{input{"body": "fragment F on Tenant { name }"}, "body", "no operation"},
		{input{"body": "{ tenant { name } }" + strings.Repeat(" { ", 3_100)}, "body", "does not parse"},
		{input{"body": "{" + strings.Repeat(" tenant { name }", 301) + "}"}, "body", "300 fields"},
		{input{"body": "{ tenant { name } }\x00"}, "body", ""},
		{input{"body": tenantName, "name": strings.Repeat("n", 201)}, "name", "200"},
		{input{"body": tenantName, "name": "a\nb"}, "name", ""},
	}
	var drafts []input
	for i, c := range cases {
		drafts = append(drafts, c.draft, input{"body": fmt.Sprintf("query Good%d { tenant { name } }", i)})
	}
	for i, o := range registerDrafts(t, s.acme, drafts) {
		if i%2 == 1 {
			wantEqual(t, "the good one", o.Status, "REGISTERED")
			continue
		}
		c := cases[i/2]
		if o.Status != "REFUSED" || o.Field != c.field || !strings.Contains(o.Reason, c.reason) || o.Document != nil {
			t.Errorf("%.60v: %+v", c.draft, o)
		}
		if len(o.Reason) > 500 {
			t.Errorf("a reason of %d bytes", len(o.Reason))
		}
		wantDiscreet(t, o.Reason, secret)
	}
	wantEqual(t, "on the list", listDocuments(t, s.acme, 10, nil, false).TrustedDocuments.TotalCount, len(cases))
	for _, drafts := range [][]input{{}, make([]input, 501)} {
		for i := range drafts {
			drafts[i] = input{"body": tenantName}
		}
		got := s.kit.Ask(t, s.acme.ManageKey, registerThem, map[string]any{"documents": drafts})
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "documents" {
			t.Errorf("%d documents: %+v", len(drafts), got)
		}
	}
}

// Where registered documents alone are taken, others run over no transport, and registered
// ones by whatever names them. It is the tenant's own affair.
func onlyRegisteredDocumentsRun(t *testing.T, s story) {
	register(t, s.acme, tenantName)
	register(t, s.globex, countAll)
	setMode(t, s.acme, "TRUSTED_ONLY")
	wantEqual(t, "told", listDocuments(t, s.acme, 1, nil, false).Tenant.DocumentMode, "TRUSTED_ONLY")
	other := requestOf(t, countAll, nil)
	eventuallyCoded(t, s.kit, s.acme.ReadKey, other, "DOCUMENT_NOT_TRUSTED")
	refused := []string{other, byHash(t, hashOf(countAll), countAll), byHash(t, hashOf(countAll), ""), requestOf(t, tenantName+" ", nil),
		`{"documentId":"sha256:` + hashOf(countAll) + `"}`, requestOf(t, `{ __schema { types { name } } }`, nil), requestOf(t, `{ `+secret, nil)}
	taken := []string{requestOf(t, tenantName, nil), byHash(t, hashOf(tenantName), ""), byHash(t, hashOf(tenantName), tenantName),
		`{"documentId":"sha256:` + hashOf(tenantName) + `"}`, `{"documentId":"` + hashOf(tenantName) + `"}`}
	for _, by := range transports {
		for _, body := range refused {
			got := by.ask(t, s.kit, s.acme.ReadKey, body)
			if got.code() != "DOCUMENT_NOT_TRUSTED" || !isNull(got.Data) || strings.Contains(got.Errors[0].Message, secret) {
				t.Errorf("over %s %s gets %+v", by.name, body, got)
			}
			// Whoever manages the list can always run what mends it.
			if got := by.ask(t, s.kit, s.acme.ManageKey, body); got.code() == "DOCUMENT_NOT_TRUSTED" {
				t.Errorf("over %s the management key gets %+v", by.name, got)
			}
		}
		for _, body := range taken {
			if got := by.ask(t, s.kit, s.acme.ReadKey, body); len(got.Errors) > 0 || isNull(got.Data) {
				t.Errorf("over %s %s gets %+v", by.name, body, got)
			}
		}
		if got := by.ask(t, s.kit, s.globex.ReadKey, requestOf(t, tenantName, nil)); len(got.Errors) > 0 {
			t.Errorf("over %s the stranger gets %+v", by.name, got)
		}
	}
	if got := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, other); got.Status != http.StatusForbidden {
		t.Errorf("refused with %d", got.Status)
	}
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED") // events are no documents
	register(t, s.acme, countAll)
	eventuallyCoded(t, s.kit, s.acme.ReadKey, other, "")
	setMode(t, s.acme, "OPEN")
	eventuallyCoded(t, s.kit, s.acme.ReadKey, requestOf(t, `{ tenant { zone } }`, nil), "")
}

// What runs already is held to the list as well, on every server, and told as it changes.
func aLiveQueryLosesItsDocument(t *testing.T, s story) {
	second := served.StartOn(t, s.kit.DB)
	query := live(`tenant { name }`)
	document := register(t, s.acme, query)[0].Document
	setMode(t, s.acme, "TRUSTED_ONLY")
	eventuallyCoded(t, second, s.acme.ReadKey, requestOf(t, countAll, nil), "DOCUMENT_NOT_TRUSTED")
	here, there := watchSocket(t, s.kit, s.acme.ReadKey, query), watchStream(t, second, s.acme.ReadKey, query)
	stranger := watchSocket(t, second, s.globex.ReadKey, query)
	for _, w := range []watcher{here, there, stranger} {
		wantNext(t, w, `"tenant":{"name"`)
	}
	retire(t, s.acme, document.ID)
	for _, w := range []watcher{here, there} {
		wantNext(t, w, "DOCUMENT_NOT_TRUSTED")
	}
	register(t, s.acme, query)
	for _, w := range []watcher{here, there} {
		wantNext(t, w, `"tenant":{"name"`)
	}
	setMode(t, s.acme, "OPEN")
	retire(t, s.acme, document.ID)
	s.kit.Exec(t, `update tenant set name = 'Renamed'`)
	for _, w := range []watcher{here, there, stranger} {
		wantNext(t, w, "Renamed") // and nothing else before it
	}
}

// Registrations at the same moment keep to the bound, and none gets lost.
func aRegistrationAtATime(t *testing.T, s story) {
	s.kit.Exec(t, `insert into trusted_document (tenant_id, hash, name, body, created_by, retired_at)
		select $1, sha256(n::text::bytea), '', 'x', gen_random_uuid(), case when n % 2 = 0 then now() end from generate_series(1, 9995) n`, s.acme.ID)
	done := make(chan bool)
	for i := range 10 {
		go func() {
			body := fmt.Sprintf("query Q%d { tenant { name } }", i)
			got := s.kit.Ask(t, s.acme.ManageKey, registerThem, map[string]any{"documents": []input{{"body": body}}})
			if len(got.Errors) > 0 && got.Errors[0].Extensions.Field != "documents" {
				t.Errorf("%+v", got)
			}
			done <- len(got.Errors) == 0
		}()
	}
	taken := 0
	for range 10 {
		if <-done {
			taken++
		}
	}
	var kept int
	s.kit.Scan(t, `select count(*) from trusted_document where tenant_id = $1`, []any{s.acme.ID}, &kept)
	wantEqual(t, "taken, and kept", []int{taken, kept}, []int{5, 10_000})
	wantEqual(t, "the stranger", register(t, s.globex, tenantName)[0].Status, "REGISTERED")
}

// An installation can have all tenants take registered documents alone.
func TestAnInstallationThatTrustsRegisteredDocumentsAlone(t *testing.T) {
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.Documents = "trusted" })
	acme := kit.Tenant(t, "Acme", "Europe/Berlin")
	register(t, acme, tenantName)
	for query, code := range map[string]string{tenantName: "", countAll: "DOCUMENT_NOT_TRUSTED"} {
		if got := overHTTP(t, kit, acme.ReadKey, requestOf(t, query, nil)); got.code() != code {
			t.Errorf("%s: %+v, want %q", query, got, code)
		}
	}
	wantEqual(t, "its own mode", listDocuments(t, acme, 1, nil, false).Tenant.DocumentMode, "OPEN")
	// Who is nobody is not held to anybody's list, and may do what everybody may.
	if got := overHTTP(t, kit, "", requestOf(t, `{ __typename }`, nil)); got.code() == "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("nobody gets %+v", got)
	}
}

// A text that was sent once with its hash is known by the hash: to its tenant, on every server.
func TestPersistedQueries(t *testing.T) {
	s := begin(t)
	second := served.StartOn(t, s.kit.DB)
	hash := hashOf(countAll)
	for _, by := range transports {
		if got := by.ask(t, s.kit, s.acme.ReadKey, byHash(t, hash, "")); got.code() != "PERSISTED_QUERY_NOT_FOUND" || got.Errors[0].Message != "PersistedQueryNotFound" {
			t.Errorf("over %s at first: %+v", by.name, got)
		}
	}
	for _, kit := range []*served.Kit{s.kit, second} {
		for _, by := range transports {
			text := ""
			if kit == s.kit {
				text = countAll
			}
			if got := by.ask(t, kit, s.acme.ReadKey, byHash(t, hash, text)); len(got.Errors) > 0 || isNull(got.Data) {
				t.Errorf("over %s: %+v", by.name, got)
			}
			if got := by.ask(t, kit, s.globex.ReadKey, byHash(t, hash, "")); got.code() != "PERSISTED_QUERY_NOT_FOUND" {
				t.Errorf("over %s the stranger gets %+v", by.name, got)
			}
		}
	}
	got := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, byHash(t, hashOf(tenantName), `{ `+secret+` }`), "Accept", "application/graphql-response+json")
	wantRefusal(t, got, http.StatusBadRequest, "BAD_USER_INPUT", "extensions.persistedQuery.sha256Hash")
	if got := s.kit.Do(t, http.MethodGet, "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22"+hash+"%22%7D%7D", s.acme.ReadKey, ""); got.Status != http.StatusOK || !strings.Contains(string(got.Body), `"count":0`) {
		t.Errorf("by GET: %d %s", got.Status, got.Body)
	}
	// Not even who may know the hash may do what they may not.
	if got := overHTTP(t, s.kit, s.acme.WriteKey, byHash(t, hash, "")); got.code() != "FORBIDDEN" {
		t.Errorf("the write key gets %+v", got)
	}
}
