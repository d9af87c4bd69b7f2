package scenario_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

const pageOfLog = `query ($first: Int!, $after: String, $actions: [AuditAction!], $actor: ID, $target: AuditTargetInput, $from: DateTime, $to: DateTime) {
	auditLog(first: $first, after: $after, actions: $actions, actor: $actor, target: $target, from: $from, to: $to) {
		edges { cursor node { id } } nodes { id seq at action actor { kind id name impersonator } target { type id } before after address userAgent requestId previousHash hash }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

// noted is an entry of the audit log as pageOfLog asks for it.
type noted struct {
	ID, At, Action string
	Seq            int
	Actor          struct {
		Kind, ID, Name, Impersonator string
	}
	Target                                            struct{ Type, ID string }
	Before, After                                     json.RawMessage
	Address, UserAgent, RequestID, PreviousHash, Hash string
}

// logPage is a page of the log.
type logPage struct {
	AuditLog struct {
		Edges    []struct{ Cursor string }
		Nodes    []noted
		PageInfo struct {
			HasNextPage bool
			EndCursor   *string
		}
	}
}

func logOf(t *testing.T, who *served.Tenant, variables map[string]any) logPage {
	t.Helper()
	if variables["first"] == nil {
		variables["first"] = 200
	}
	var page logPage
	who.Manage(t, pageOfLog, variables, &page)
	return page
}

// deed is a mutation that succeeds, and what it leaves in the log.
type deed struct {
	document  string
	variables func(t *testing.T, s story) map[string]any
	want      audit.Action
}

// deeds are how each mutation is done; the schema says which there are.
var deeds = map[string]deed{
	"setChurnRule":             {`mutation { setChurnRule(rule: CANCELLATION) { id } }`, just(nil), audit.TenantChanged},
	"setEventRetention":        {setRetention, just(map[string]any{"months": 7}), audit.RetentionChanged},
	"saveTrackingPlan":         {planSaved, just(map[string]any{"plan": map[string]any{"events": []any{}}}), audit.PlanSaved},
	"releaseQuarantinedEvents": {quarantineReleased, just(nil), audit.QuarantineReleased},
	"discardQuarantinedEvents": {quarantineDiscarded, just(nil), audit.QuarantineDiscarded},
	"forgetPropertySamples":    {samplesForgotten, just(nil), audit.SamplesForgotten},
	"mergePeople": {mergeThem, func(t *testing.T, s story) map[string]any {
		return map[string]any{"from": user(t, s.acme, "ben-marker").ID, "into": user(t, s.acme, "ann-marker").ID, "reason": "reason-marker"}
	}, audit.PeopleMerged},
	"setOwner": {`mutation ($of: ID!) { setOwner(of: $of) { __typename } }`, func(t *testing.T, s story) map[string]any {
		return map[string]any{"of": user(t, s.acme, "ann-marker").ID}
	}, audit.OwnerSet},
	"addNote": {addNoteIt, func(t *testing.T, s story) map[string]any {
		return map[string]any{"to": user(t, s.acme, "ann-marker").ID, "text": "note-marker"}
	}, audit.NoteAdded},
	"changeNote": {changeNote, func(t *testing.T, s story) map[string]any {
		return map[string]any{"id": noteOn(t, s.acme, user(t, s.acme, "ann-marker").ID, "note-marker").ID, "text": "other-marker"}
	}, audit.NoteChanged},
	"removeNote": {removeNote, func(t *testing.T, s story) map[string]any {
		return map[string]any{"id": noteOn(t, s.acme, user(t, s.acme, "ann-marker").ID, "note-marker").ID}
	}, audit.NoteRemoved},
	"undoMerge": {undoIt, func(t *testing.T, s story) map[string]any {
		return map[string]any{"id": merge(t, s.acme, "ben-marker", "ann-marker")}
	}, audit.MergeUndone},
	"detachIdentity": {detachIt, tabletOf, audit.IdentityDetached},
	"reattachIdentity": {reattachIt, func(t *testing.T, s story) map[string]any {
		id := tabletOf(t, s)
		s.acme.Manage(t, detachIt, id, &struct{}{})
		return id
	}, audit.IdentityReattached},
	"createApiKey": {makeKey, just(map[string]any{"kind": "READ", "name": "n"}), audit.KeyCreated},
	"rotateApiKey": {rotateIt, func(t *testing.T, s story) map[string]any {
		return map[string]any{"id": aKey(t, s), "hours": 1}
	}, audit.KeyRotated},
	"revokeApiKey":      {revokeIt, func(t *testing.T, s story) map[string]any { return map[string]any{"id": aKey(t, s)} }, audit.KeyRevoked},
	"updateTenant":      {changeTenant, just(map[string]any{"name": "Acme Ltd"}), audit.TenantChanged},
	"setLimits":         {limitsSet, just(map[string]any{"limits": map[string]any{"callerPercent": 20}}), audit.LimitsChanged},
	"registerDocuments": {registerThem, just(map[string]any{"documents": []any{map[string]any{"body": "{ tenant { name } }"}}}), audit.DocumentRegistered},
	"retireDocument": {retireIt, func(t *testing.T, s story) map[string]any {
		register(t, s.acme, "{ tenant { name } }")
		return map[string]any{"id": listDocuments(t, s.acme, 1, nil, false).TrustedDocuments.Nodes[0].ID}
	}, audit.DocumentRemoved},
	"setDocumentMode": {takeTrusted, just(map[string]any{"mode": "TRUSTED_ONLY"}), audit.DocumentsEnforced},
	"saveReport":      {saveIt, just(map[string]any{"r": map[string]any{"name": "n", "document": `{ metric(key: "events") { value { value } } }`}}), audit.ReportCreated},
	"deleteReport":    {dropIt, func(t *testing.T, s story) map[string]any { return map[string]any{"id": keep(t, s.acme, "n").ID} }, audit.ReportRemoved},
	"createMetric":    {createMetricIt, just(object{"key": "own", "input": counting("E")}), audit.MetricCreated},
	"updateMetric": {updateMetricIt, func(t *testing.T, s story) map[string]any {
		define(t, s.acme, "own", counting("E"))
		return object{"key": "own", "input": counting("F")}
	}, audit.MetricChanged},
	"removeMetric": {removeMetricIt, func(t *testing.T, s story) map[string]any {
		define(t, s.acme, "own", counting("E"))
		return object{"key": "own"}
	}, audit.MetricRemoved},
	"setHealthModel": {setModelIt, just(object{"inputs": []object{useOfApp}}), audit.HealthModelSet},
	"overrideHealth": {overrideIt, func(t *testing.T, s story) map[string]any { return overrideOf(t, s, "g1") }, audit.HealthOverridden},
	"endHealthOverride": {endOverrideIt, func(t *testing.T, s story) map[string]any {
		said := overrideOf(t, s, "g1")
		s.acme.Manage(t, overrideIt, said, &struct{}{})
		return object{"account": said["account"]}
	}, audit.HealthOverrideOver},
	"createCohort": {createCohortIt, just(object{"cohort": payers}), audit.CohortCreated},
	"changeCohort": {changeCohortIt, func(t *testing.T, s story) map[string]any {
		return object{"id": gather(t, s.acme, "DYNAMIC", payers), "cohort": payers}
	}, audit.CohortChanged},
	"deleteCohort": {deleteCohortIt, func(t *testing.T, s story) map[string]any {
		return object{"id": gather(t, s.acme, "DYNAMIC", payers)}
	}, audit.CohortRemoved},
	"evaluateCohort": {evaluateIt, func(t *testing.T, s story) map[string]any {
		return object{"id": gather(t, s.acme, "DYNAMIC", payers)}
	}, audit.CohortAsked},
	"erasePerson": {eraseIt, func(t *testing.T, s story) map[string]any {
		return map[string]any{"id": user(t, s.acme, "ann-marker").ID}
	}, audit.PersonErased},
}

// aKey makes a key, and gives its id.
func aKey(t *testing.T, s story) string {
	t.Helper()
	return newKey(t, s.acme, map[string]any{"kind": "READ", "name": "n"}).Key.ID
}

// unnoted are the mutations that leave nothing in the log, with the reason.
var unnoted = map[string]string{
	"ingestEvents":         "it is what the tenant's users did, and not what was done with the tenant; each event says by itself who, when and by which source",
	"recordRevenue":        "it is what the tenant's customers pay, and not what was done with the tenant; each fact is kept as it came, with its source",
	"recordTickets":        "it is what the tenant's customers asked, and not what was done with the tenant; each ticket says its source",
	"refreshSession":       "it goes on with a session whose beginning is noted; a refresh token that comes twice is noted as SESSION_REUSED",
	"requestPasswordReset": "it is the same for addresses that nobody has; the reset is noted",
	"enrollSecondFactor":   "nothing holds until it is confirmed, and that is noted",
	"shareReport":          "it is noted on both sides, which the stories of reports tell",
	"unshareReport":        "likewise",
}

func just(variables map[string]any) func(*testing.T, story) map[string]any {
	return func(*testing.T, story) map[string]any { return variables }
}

func tabletOf(t *testing.T, s story) map[string]any {
	t.Helper()
	return map[string]any{"id": user(t, s.acme, "ann-marker").spelled(t, "tablet-marker").ID}
}

func TestTheAuditLog(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"every mutation leaves an entry", everyMutationIsNoted},
		{"what is refused leaves one a minute", refusalsAreNoted},
		{"a tenant reads its own", aTenantReadsItsOwnLog},
		{"it is live", theLogIsLive},
		{"it is exported", theLogIsExported},
	})
}

// Whoever adds a mutation says here how it is done, and what it leaves.
func everyMutationIsNoted(t *testing.T, s story) {
	for _, field := range rootFields(t) {
		name, mutation := strings.CutPrefix(field, "Mutation.")
		if !mutation || unnoted[name] != "" || byPeople[name] != "" {
			continue
		}
		d, ok := deeds[name]
		if !ok {
			t.Errorf("%s is new: say in this test how it is done, and what it leaves in the audit log", name)
			continue
		}
		t.Run(name, func(t *testing.T) { d.isNoted(t, s.aside(t)) })
	}
}

func (d deed) isNoted(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "identify", `"userId":"ann-marker","anonymousId":"tablet-marker","traits":{"email":"mail-marker"}`),
		event("m2", "E", "ben-marker", noon))
	variables := d.variables(t, s)
	before, strangers := logOf(t, s.acme, map[string]any{}).AuditLog.Nodes, len(logOf(t, s.globex, map[string]any{}).AuditLog.Nodes)
	start := time.Now().Add(-time.Second)
	reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ManageKey, requestOf(t, d.document, variables), "User-Agent", "the-tester/1.0")
	if reply.Status != http.StatusOK || strings.Contains(string(reply.Body), `"errors"`) {
		t.Fatalf("it is not done: %d %s", reply.Status, reply.Body)
	}
	after := logOf(t, s.acme, map[string]any{}).AuditLog.Nodes
	if len(after) != len(before)+1 {
		t.Fatalf("%d entries were added, want 1", len(after)-len(before))
	}
	got := after[0]
	wantEqual(t, "the entry", []string{got.Action, got.Actor.Kind, got.Actor.ID, got.Address, got.UserAgent, got.RequestID, got.PreviousHash},
		[]string{string(d.want), "KEY", s.keyID(t, s.acme), "127.0.0.1", "the-tester/1.0", reply.Header.Get("X-Request-Id"), before[0].Hash})
	if when := at(t, got.At); when.Before(start) || when.After(time.Now().Add(time.Second)) {
		t.Errorf("it was done at %v", when)
	}
	text := toJSON(t, got)
	if got.Target.Type == "" || strings.Contains(text, audit.Secret) || strings.Contains(text, "marker") {
		t.Errorf("the entry has a secret, or somebody's name: %s", text)
	}
	if n := len(logOf(t, s.globex, map[string]any{}).AuditLog.Nodes); n != strangers {
		t.Errorf("%d entries were added to the stranger's log", n-strangers)
	}
	s.wantWholeChain(t)
}

// keyID is the id of the key that manages a tenant.
func (s story) keyID(t *testing.T, who *served.Tenant) (id string) {
	t.Helper()
	s.kit.Scan(t, `select api_key_id::text from api_key where tenant_id = $1 and kind = 'manage'`, []any{who.ID}, &id)
	return id
}

func (s story) wantWholeChain(t *testing.T) {
	t.Helper()
	found, err := audit.Verify(t.Context(), s.kit.Node.Worker(), s.acme.ID, nil, func(int, int) {})
	if err != nil || !found.Whole() || found.Entries == 0 {
		t.Errorf("the chain is not whole: %+v, %v", found, err)
	}
}

// Who tries is noted, whether it would have worked or not; asking a hundred times fills no log.
func refusalsAreNoted(t *testing.T, s story) {
	for range 3 {
		for _, key := range []string{s.acme.ReadKey, s.acme.WriteKey} {
			answer := s.kit.Ask(t, key, `mutation { a: forgetPropertySamples b: forgetPropertySamples setEventRetention(months: 1) { id } }`, nil)
			if len(answer.Errors) != 1 && len(answer.Errors) != 3 || !isNull(answer.Data) {
				t.Fatalf("%+v %s", answer.Errors, answer.Data)
			}
		}
	}
	s.kit.Ask(t, s.acme.WriteKey, `{ tenant { name } }`, nil)
	seen := map[string]int{}
	for _, n := range logOf(t, s.acme, map[string]any{"actions": []string{"DENIED"}}).AuditLog.Nodes {
		if n.Actor.Kind != "KEY" || n.Target.Type != "mutation" || n.Address != "127.0.0.1" {
			t.Errorf("%+v", n)
		}
		seen[n.Actor.ID+" "+n.Target.ID]++
	}
	for what, times := range seen {
		if times != 1 {
			t.Errorf("%s is noted %d times", what, times)
		}
	}
	if len(seen) < 2 {
		t.Errorf("two keys tried: %v", seen)
	}
	if n := len(logOf(t, s.globex, map[string]any{"actions": []string{"DENIED"}}).AuditLog.Nodes); n != 0 {
		t.Errorf("the stranger's log has %d", n)
	}
}

func aTenantReadsItsOwnLog(t *testing.T, s story) {
	for months := range 5 {
		s.acme.Manage(t, setRetention, map[string]any{"months": months + 1}, &struct{}{})
	}
	all := logOf(t, s.acme, map[string]any{}).AuditLog.Nodes
	wantEqual(t, "how many there are", len(all), 9) // the tenant, three keys, five changes
	var paged []noted
	for variables := map[string]any{"first": 2}; ; {
		page := logOf(t, s.acme, variables)
		paged = append(paged, page.AuditLog.Nodes...)
		if !page.AuditLog.PageInfo.HasNextPage {
			break
		}
		variables["after"] = page.AuditLog.PageInfo.EndCursor
	}
	wantEqual(t, "the pages", paged, all)
	wantEqual(t, "before and after", []string{string(all[0].Before), string(all[0].After)}, []string{`{"eventRetentionMonths":4}`, `{"eventRetentionMonths":5}`})

	tenant, key := s.acme.ID.String(), s.keyID(t, s.acme)
	middle := all[2]
	for name, c := range map[string]struct {
		variables map[string]any
		want      int
	}{
		"by action":            {map[string]any{"actions": []string{"KEY_CREATED", "TENANT_CREATED"}}, 4},
		"by actor":             {map[string]any{"actor": key}, 5},
		"by nobody":            {map[string]any{"actor": s.keyID(t, s.globex)}, 0},
		"by target":            {map[string]any{"target": map[string]any{"type": "tenant", "id": tenant}}, 6},
		"by a type of target":  {map[string]any{"target": map[string]any{"type": "key"}}, 3},
		"from an instant on":   {map[string]any{"from": middle.At}, 3},
		"before an instant":    {map[string]any{"to": middle.At}, 6},
		"of another's things":  {map[string]any{"target": map[string]any{"type": "tenant", "id": s.globex.ID.String()}}, 0},
		"by all of it at once": {map[string]any{"actions": []string{"RETENTION_CHANGED"}, "actor": key, "from": middle.At, "target": map[string]any{"type": "tenant"}}, 3},
	} {
		if got := len(logOf(t, s.acme, c.variables).AuditLog.Nodes); got != c.want {
			t.Errorf("%s: %d entries, want %d", name, got, c.want)
		}
	}
	var found struct {
		Node struct{ ID, Hash string }
	}
	s.acme.Manage(t, `query ($id: ID!) { node(id: $id) { id ... on AuditEntry { hash } } }`, map[string]any{"id": all[0].ID}, &found)
	wantEqual(t, "the entry by its id", found.Node.Hash, all[0].Hash)
	logIsRefused(t, s, all[0].ID)
}

func logIsRefused(t *testing.T, s story, id string) {
	for _, variables := range []map[string]any{
		{"first": 0}, {"first": 201}, {"first": 2, "after": "x"}, {"first": 2, "actor": "x"}, {"first": 2, "target": map[string]any{"type": strings.Repeat("x", 201)}},
		{"first": 2, "target": map[string]any{"type": "x\x00"}}, {"first": 2, "from": noon, "to": noon}, {"first": 2, "actions": slices.Repeat([]string{"DENIED"}, 101)},
	} {
		if answer := s.kit.Ask(t, s.acme.ManageKey, pageOfLog, variables); len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
			t.Errorf("%v: %+v", variables, answer)
		}
	}
	if answer := s.kit.Ask(t, s.acme.ReadKey, `{ auditLog { nodes { seq } } }`, nil); len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("a key that may not: %+v", answer)
	}
	// The ids of entries are places, which every tenant has: a stranger's leads to their own.
	var found struct{ Node struct{ Hash string } }
	var mine struct{ Node struct{ Hash string } }
	const byID = `query ($id: ID!) { node(id: $id) { ... on AuditEntry { hash } } }`
	s.acme.Manage(t, byID, map[string]any{"id": id}, &mine)
	if answer := s.kit.Ask(t, s.globex.ManageKey, byID, map[string]any{"id": id}); len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "NOT_FOUND" {
		_ = json.Unmarshal(answer.Data, &found)
		if found.Node.Hash == mine.Node.Hash || found.Node.Hash == "" {
			t.Errorf("the stranger finds %+v", answer)
		}
	}
}

func theLogIsLive(t *testing.T, s story) {
	for name, watch := range ways {
		t.Run(name, func(t *testing.T) {
			s := s.aside(t)
			w := watch(t, s.kit, s.acme.ManageKey, live(`auditLog(first: 1) { nodes { action seq } }`))
			stranger := watch(t, s.kit, s.globex.ManageKey, live(`auditLog(first: 1) { nodes { action seq } }`))
			wantNext(t, w, `"KEY_CREATED","seq":4`)
			wantNext(t, stranger, `"KEY_CREATED","seq":4`)
			s.acme.Manage(t, setRetention, map[string]any{"months": 3}, &struct{}{})
			until(t, w, `"RETENTION_CHANGED","seq":5`)
			s.globex.Manage(t, samplesForgotten, nil, &struct{}{})
			if got := stranger.next(t); !strings.Contains(got, `"SAMPLES_FORGOTTEN","seq":5`) {
				t.Errorf("the stranger is told %s", got)
			}
		})
	}
}

func theLogIsExported(t *testing.T, s story) {
	const formula = `=HYPERLINK("http://example.com")`
	s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ManageKey, requestOf(t, setRetention, map[string]any{"months": 3}), "User-Agent", formula)
	lines := s.kit.Do(t, http.MethodGet, "/v1/audit/export", s.acme.ManageKey, "")
	if lines.Status != http.StatusOK || lines.Header.Get("Content-Type") != "application/x-ndjson" || lines.Header.Get("Content-Disposition") != `attachment; filename="audit.ndjson"` {
		t.Fatalf("%d %v %s", lines.Status, lines.Header, lines.Body)
	}
	var actions []string
	for _, text := range strings.Split(strings.TrimSpace(string(lines.Body)), "\n") {
		var line struct{ Tenant, Action, UserAgent string }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Tenant != s.acme.ID.String() {
			t.Errorf("%v: %s", err, text)
		}
		actions = append(actions, line.Action)
	}
	want := []string{"TENANT_CREATED", "KEY_CREATED", "KEY_CREATED", "KEY_CREATED", "RETENTION_CHANGED", "AUDIT_EXPORTED"}
	wantEqual(t, "NDJSON", actions, want)

	sheet := s.kit.Do(t, http.MethodGet, "/v1/audit/export?format=csv&to=2100-01-01T00:00:00Z", s.acme.ManageKey, "")
	cells, err := csv.NewReader(strings.NewReader(string(sheet.Body))).ReadAll()
	if err != nil || len(cells) != 1+len(want)+1 {
		t.Fatalf("%v: %s", err, sheet.Body)
	}
	if agent := cells[5][slices.Index(cells[0], "userAgent")]; agent != "'"+formula {
		t.Errorf("a formula reads %q", agent)
	}
	s.exportsAreRefused(t)
	if got := s.kit.Do(t, http.MethodGet, "/v1/audit/export?to=2001-01-01T00:00:00Z", s.acme.ManageKey, ""); got.Status != http.StatusOK || len(got.Body) != 0 || got.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("of a time without entries: %d %s", got.Status, got.Body)
	}
	last := logOf(t, s.acme, map[string]any{"first": 1}).AuditLog.Nodes[0]
	if last.Action != "AUDIT_EXPORTED" || !strings.Contains(string(last.After), `"to":"2001-01-01T00:00:00Z"`) {
		t.Errorf("the last entry is %+v %s", last, last.After)
	}
	s.wantWholeChain(t)
}

func (s story) exportsAreRefused(t *testing.T) {
	t.Helper()
	for path, c := range map[string]struct {
		key    string
		status int
		field  string
	}{
		"":                                {s.acme.ReadKey, http.StatusForbidden, ""},
		"?":                               {"", http.StatusUnauthorized, ""},
		"?format=xls":                     {s.acme.ManageKey, http.StatusBadRequest, "format"},
		"?from=yesterday":                 {s.acme.ManageKey, http.StatusBadRequest, "from"},
		"?form=csv":                       {s.acme.ManageKey, http.StatusBadRequest, "query"},
		"?to=" + noon + "&to=" + noon:     {s.acme.ManageKey, http.StatusBadRequest, "query"},
		"?from=" + noon + "&to=" + noon:   {s.acme.ManageKey, http.StatusBadRequest, "to"},
		"?tenant=" + s.globex.ID.String(): {s.acme.ManageKey, http.StatusBadRequest, "query"},
	} {
		got := s.kit.Do(t, http.MethodGet, "/v1/audit/export"+path, c.key, "")
		if got.Status != c.status || c.field != "" && !strings.Contains(string(got.Body), fmt.Sprintf(`"field":%q`, c.field)) || got.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%q: %d %s, want %d", path, got.Status, got.Body, c.status)
		}
	}
}
