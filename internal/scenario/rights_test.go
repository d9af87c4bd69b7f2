package scenario_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/access"
)

// Who may ask for what.
func TestRights(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a key may do what it is for", aKeyMayDoWhatItIsFor},
		{"a live query is no way around", aLiveQueryIsNoWayAround},
		{"strangers without a key", strangersWithoutAKey},
	})
}

// asked is how each root field is asked for; the schema says which there are.
var asked = map[string]string{
	"Query.node":                 `{ node(id: "x") { id } }`,
	"Query.tenant":               `{ tenant { name } }`,
	"Query.events":               `{ events { count } }`,
	"Query.metrics":              `{ metrics { totalCount } }`,
	"Query.metric":               `{ metric(key: "events") { value { value } } }`,
	"Query.healthModel":          `{ healthModel { version } }`,
	"Query.healthChanges":        `{ healthChanges { nodes { id } } }`,
	"Query.healthPreview":        `{ healthPreview(inputs: []) { scored } }`,
	"Mutation.setHealthModel":    `mutation { setHealthModel(inputs: []) { version } }`,
	"Mutation.overrideHealth":    `mutation { overrideHealth(account: "x", score: 1, reason: "", expiresAt: "2026-05-01T12:00:00Z") { id } }`,
	"Mutation.endHealthOverride": `mutation { endHealthOverride(account: "x") { id } }`,
	"Query.cohorts":              `{ cohorts { nodes { id } } }`,
	"Query.cohort":               `{ cohort(id: "x") { id } }`,
	"Query.cohortPreview":        `{ cohortPreview(condition: {did: {}}) { size } }`,
	"Mutation.createCohort":      `mutation { createCohort(cohort: {name: "", condition: {did: {}}}) { id } }`,
	"Mutation.changeCohort":      `mutation { changeCohort(id: "x", cohort: {name: "", condition: {did: {}}}) { id } }`,
	"Mutation.deleteCohort":      `mutation { deleteCohort(id: "x") }`,
	"Mutation.evaluateCohort":    `mutation { evaluateCohort(id: "x") { id } }`,
	"Query.previewMetric":        `{ previewMetric(input: {name: "n", formula: "events"}) { total { value } } }`,
	"Query.lifecycle":            `{ lifecycle { new } }`,
	"Query.paths":                `{ paths(event: {}) { count } }`,
	"Query.retention":            `{ retention(startEvent: {}) { sizes } }`,
	"Query.funnel":               `{ funnel(steps: [{}, {}]) { open } }`,
	"Query.restatements":         `{ restatements { nodes { start } } }`,
	"Query.materializedViews":    `{ materializedViews { nodes { name } } }`,
	"Query.eventTypes":           `{ eventTypes { totalCount } }`,
	"Query.eventType":            `{ eventType(name: "E") { volume } }`,
	"Query.schemaChanges":        `{ schemaChanges { totalCount } }`,
	"Query.trackingPlan":         `{ trackingPlan { version } }`,
	"Query.trackingPlans":        `{ trackingPlans { totalCount } }`,
	"Query.planViolations":       `{ planViolations { totalCount } }`,
	"Query.quarantinedEvents":    `{ quarantinedEvents { totalCount } }`,

	"Mutation.createMetric":             `mutation { createMetric(key: "", input: {name: ""}) { key } }`,
	"Mutation.updateMetric":             `mutation { updateMetric(key: "", input: {name: ""}) { key } }`,
	"Mutation.removeMetric":             `mutation { removeMetric(key: "") }`,
	"Mutation.saveTrackingPlan":         `mutation { saveTrackingPlan(plan: {events: []}) { plan { version } } }`,
	"Mutation.releaseQuarantinedEvents": `mutation { releaseQuarantinedEvents { released } }`,
	"Mutation.discardQuarantinedEvents": `mutation { discardQuarantinedEvents { discarded } }`,
	"Mutation.forgetPropertySamples":    `mutation { forgetPropertySamples }`,

	"Mutation.ingestEvents":           `mutation { ingestEvents(events: [{type: "E", userId: "u1"}]) { accepted } }`,
	"Subscription.live":               `subscription { live { revision query { tenant { name } } } }`,
	"Subscription.eventStream":        `subscription { eventStream { cursor } }`,
	"Query.auditLog":                  `{ auditLog { nodes { seq } } }`,
	"Query.apiKeys":                   `{ apiKeys { totalCount } }`,
	"Mutation.createApiKey":           `mutation { createApiKey(kind: WRITE, name: "n") { key { id } } }`,
	"Mutation.rotateApiKey":           `mutation { rotateApiKey(id: "x") { key { id } } }`,
	"Mutation.revokeApiKey":           `mutation { revokeApiKey(id: "x") { id } }`,
	"Mutation.updateTenant":           `mutation { updateTenant(weekStart: MONDAY) { id } }`,
	"Query.archiveParts":              `{ archiveParts { totalCount } }`,
	"Mutation.setLimits":              `mutation { setLimits(limits: {}) { id } }`,
	"Mutation.setEventRetention":      `mutation { setEventRetention(months: 12) { id } }`,
	"Query.plans":                     `{ plans { nodes { id } } }`,
	"Query.subscriptions":             `{ subscriptions { nodes { id } } }`,
	"Query.subscription":              `{ subscription(id: "x") { id } }`,
	"Query.invoices":                  `{ invoices { nodes { id } } }`,
	"Query.payments":                  `{ payments { nodes { id } } }`,
	"Query.mrrMovements":              `{ mrrMovements { nodes { id } } }`,
	"Query.exchangeRates":             `{ exchangeRates { nodes { id } } }`,
	"Mutation.recordRevenue":          `mutation { recordRevenue(items: [{plan: {key: "p", amount: 1, currency: "EUR", interval: MONTH}}]) { accepted } }`,
	"Mutation.recordTickets":          `mutation { recordTickets(items: [{id: "t", status: OPEN, groupId: "g", openedAt: "2026-05-01T12:00:00Z", updatedAt: "2026-05-01T12:00:00Z"}]) { accepted } }`,
	"Mutation.setChurnRule":           `mutation { setChurnRule(rule: PERIOD_END) { id } }`,
	"Query.person":                    `{ person(userId: "u1") { id } }`,
	"Query.account":                   `{ account(groupId: "g1") { id } }`,
	"Query.accounts":                  `{ accounts { totalCount } }`,
	"Query.people":                    `{ people { totalCount } }`,
	"Mutation.setOwner":               `mutation { setOwner(of: "x") { __typename } }`,
	"Mutation.addNote":                `mutation { addNote(to: "x", text: "y") { id } }`,
	"Mutation.changeNote":             `mutation { changeNote(id: "x", text: "y") { id } }`,
	"Mutation.removeNote":             `mutation { removeNote(id: "x") }`,
	"Query.personMerges":              `{ personMerges { nodes { id } } }`,
	"Query.reports":                   `{ reports { nodes { id } } }`,
	"Query.report":                    `{ report(id: "x") { id } }`,
	"Query.sharedReports":             `{ sharedReports { nodes { id } } }`,
	"Query.sharedReport":              `{ sharedReport(id: "x") { id } }`,
	"Mutation.saveReport":             `mutation { saveReport(report: {name: "x", document: "x"}) { id } }`,
	"Mutation.deleteReport":           `mutation { deleteReport(id: "x") }`,
	"Mutation.shareReport":            `mutation { shareReport(id: "x", tenant: "y") { id } }`,
	"Mutation.unshareReport":          `mutation { unshareReport(id: "x") { id } }`,
	"Mutation.erasePerson":            `mutation { erasePerson(id: "x", reason: "z") { id } }`,
	"Mutation.mergePeople":            `mutation { mergePeople(from: "x", into: "y", reason: "z") { id } }`,
	"Mutation.undoMerge":              `mutation { undoMerge(id: "x") { id } }`,
	"Mutation.detachIdentity":         `mutation { detachIdentity(id: "x", reason: "z") { id } }`,
	"Mutation.reattachIdentity":       `mutation { reattachIdentity(id: "x", reason: "z") { id } }`,
	"Query.trustedDocuments":          `{ trustedDocuments { totalCount } }`,
	"Mutation.registerDocuments":      `mutation { registerDocuments(documents: [{body: "{ tenant { name } }"}]) { registered } }`,
	"Mutation.retireDocument":         `mutation { retireDocument(id: "x") { id } }`,
	"Mutation.setDocumentMode":        `mutation { setDocumentMode(mode: OPEN) { documentMode } }`,
	"Query.viewer":                    `{ viewer { tenantId } }`,
	"Query.members":                   `{ members { totalCount } }`,
	"Query.invitations":               `{ invitations { totalCount } }`,
	"Query.roles":                     `{ roles { totalCount } }`,
	"Query.identityProviders":         `{ identityProviders { totalCount } }`,
	"Query.secondFactorRequired":      `{ secondFactorRequired }`,
	"Mutation.signIn":                 `mutation { signIn(email: "x", password: "y") { state } }`,
	"Mutation.verifySecondFactor":     `mutation { verifySecondFactor(challenge: "x", code: "y") { state } }`,
	"Mutation.refreshSession":         `mutation { refreshSession(refreshToken: "x") { state } }`,
	"Mutation.exchangeSignInCode":     `mutation { exchangeSignInCode(code: "x", verifier: "y") { state } }`,
	"Mutation.acceptInvitation":       `mutation { acceptInvitation(token: "x", name: "y", password: "z") { state } }`,
	"Mutation.requestPasswordReset":   `mutation { requestPasswordReset(email: "x") }`,
	"Mutation.resetPassword":          `mutation { resetPassword(token: "x", password: "y") }`,
	"Mutation.changePassword":         `mutation { changePassword(password: "x", newPassword: "y") }`,
	"Mutation.signOut":                `mutation { signOut }`,
	"Mutation.endSession":             `mutation { endSession(id: "x") }`,
	"Mutation.endOtherSessions":       `mutation { endOtherSessions }`,
	"Mutation.switchTenant":           `mutation { switchTenant(tenant: "x") { state } }`,
	"Mutation.enrollSecondFactor":     `mutation { enrollSecondFactor(password: "x") { uri } }`,
	"Mutation.confirmSecondFactor":    `mutation { confirmSecondFactor(code: "x") }`,
	"Mutation.renewRecoveryCodes":     `mutation { renewRecoveryCodes(code: "x") }`,
	"Mutation.removeSecondFactor":     `mutation { removeSecondFactor(code: "x") }`,
	"Mutation.inviteMember":           `mutation { inviteMember(email: "x", role: "y") { id } }`,
	"Mutation.revokeInvitation":       `mutation { revokeInvitation(id: "x") }`,
	"Mutation.changeMemberRole":       `mutation { changeMemberRole(id: "x", role: "y") { id } }`,
	"Mutation.removeMember":           `mutation { removeMember(id: "x") }`,
	"Mutation.createRole":             `mutation { createRole(role: {name: "", permissions: []}) { id } }`,
	"Mutation.updateRole":             `mutation { updateRole(id: "x", role: {name: "", permissions: []}) { id } }`,
	"Mutation.removeRole":             `mutation { removeRole(id: "x") }`,
	"Mutation.requireSecondFactor":    `mutation { requireSecondFactor(required: false) }`,
	"Mutation.createIdentityProvider": `mutation { createIdentityProvider(provider: {name: "x", issuer: "x", clientId: "x", clientSecret: "x", allowedDomains: []}) { id } }`,
	"Mutation.removeIdentityProvider": `mutation { removeIdentityProvider(id: "x") }`,
	"Mutation.impersonate":            `mutation { impersonate(member: "x", reason: "y") { state } }`,
}

// rootFields lists the fields that a document can begin with, as Type.field.
func rootFields(t *testing.T) (names []string) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: graph.SDL()})
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if field.Name[0] != '_' {
				names = append(names, root.Name+"."+field.Name)
			}
		}
	}
	return names
}

// permission is what the schema asks for before a root field is answered; empty: nothing.
func permission(t *testing.T, name string) access.Permission {
	t.Helper()
	root, field, _ := strings.Cut(name, ".")
	can := schema(t).Types[root].Fields.ForName(field).Directives.ForName("can")
	if can == nil || can.Arguments.ForName("do") == nil {
		return ""
	}
	return access.Permission(can.Arguments.ForName("do").Value.Raw)
}

// A key may do what it is for and nothing else, whichever way it comes.
func aKeyMayDoWhatItIsFor(t *testing.T, s story) {
	for _, field := range rootFields(t) {
		document, ok := asked[field]
		if !ok {
			t.Errorf("%s is new: say in this test how it is asked for", field)
			continue
		}
		do := permission(t, field)
		if do == "" {
			continue // for anybody who is known: below it each type has its own
		}
		if do == access.Impersonate || field == "Mutation.createIdentityProvider" {
			continue // owners alone do: their stories tell it
		}
		wrong, right := s.acme.WriteKey, s.acme.ReadKey
		switch {
		case do == access.Ingest:
			wrong, right = right, wrong
		case !access.ReadKey.Permissions().Has(do):
			wrong, right = right, s.acme.ManageKey
		}
		for _, by := range transports {
			if strings.HasPrefix(field, "Subscription.") && by.name == "HTTP" {
				continue // refused for everybody
			}
			t.Run(field+" over "+by.name, func(t *testing.T) {
				got := by.ask(t, s.kit, wrong, requestOf(t, document, nil))
				if got.code() != "FORBIDDEN" || !isNull(got.Data) || len(got.Errors) != 1 {
					t.Errorf("the wrong key gets %+v %s", got, got.Data)
				}
				if got := by.ask(t, s.kit, right, requestOf(t, document, nil)); got.code() == "FORBIDDEN" {
					t.Errorf("the right key gets %+v", got)
				}
			})
		}
	}
	events, _ := count(t, s.acme)
	if events != len(transports) {
		t.Errorf("%d events were sent by the write key, and %d are stored", len(transports), events)
	}
	s.wantStrangerEmpty(t)
}

// A live query holds root fields of its own, and each is guarded as well.
func aLiveQueryIsNoWayAround(t *testing.T, s story) {
	const nested = `subscription { live { query { tenant { name } events { count } metric(key: "events") { key } } } }`
	for _, by := range transports[1:] {
		if got := by.ask(t, s.kit, s.acme.WriteKey, requestOf(t, nested, nil)); got.code() != "FORBIDDEN" || !isNull(got.Data) {
			t.Errorf("over %s the write key gets %+v", by.name, got)
		}
	}
}

// Without a key of ours nothing is answered, and nothing is told about keys.
func strangersWithoutAKey(t *testing.T, s story) {
	body := requestOf(t, `{ tenant { name } }`, nil)
	for _, key := range []string{"", "x", "tmr_0123456789012345678901234567890123456789012", s.acme.ReadKey + "x", " "} {
		for _, by := range transports[:2] {
			if got := by.ask(t, s.kit, key, body); got.code() != "UNAUTHENTICATED" || got.Status != http.StatusUnauthorized || len(got.Data) > 0 {
				t.Errorf("over %s the key %q gets %+v", by.name, key, got)
			}
		}
		socket := s.kit.Dial(t)
		socket.Init(t, key)
		if _, err := socket.TryReceive(t); err == nil || closedBy(t, err).Closed != 4403 {
			t.Errorf("a socket with the key %q ends with %v, want 4403", key, err)
		}
	}
	socket := s.kit.Dial(t)
	socket.Subscribe(t, `{ tenant { name } }`)
	if _, err := socket.TryReceive(t); err == nil || closedBy(t, err).Closed != 4401 {
		t.Errorf("subscribing before connection_init ends with %v, want 4401", err)
	}
}
