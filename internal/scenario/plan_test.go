package scenario_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What ought to be sent, and what becomes of the rest.
func TestPlan(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a plan has versions", aPlanHasVersions},
		{"without a plan nothing is checked", withoutAPlanNothingIsChecked},
		{"a plan reports", aPlanReports},
		{"a plan rejects", aPlanRejects},
		{"a plan quarantines", aPlanQuarantines},
		{"a corrected retry is accepted", aCorrectedRetryIsAccepted},
		{"what is discarded is gone", whatIsDiscardedIsGone},
		{"a preview tells and saves nothing", aPreviewTellsAndSavesNothing},
		{"the same plan over graph q l", theSamePlanOverGraphQL},
	})
}

const planFields = `id version current savedAt savedBy onViolation onUnknownType
	events { type description onViolation allowUnknownProperties properties { name description required kinds allowed pattern personal } }`

const planStory = `query ($version: Int) { trackingPlan(version: $version) { ` + planFields + ` }
	trackingPlans { edges { cursor node { version } } nodes { version current } pageInfo { hasNextPage } totalCount } }`

const planSaved = `mutation ($plan: TrackingPlanInput!, $basedOn: Int) { saveTrackingPlan(plan: $plan, basedOn: $basedOn) { plan { ` + planFields + ` } preview { checked } } }`

const planPreviewed = `mutation ($plan: TrackingPlanInput!) { saveTrackingPlan(plan: $plan, preview: true, days: 31) { plan { version }
	preview { since checked violating complete violations { eventType property rule count messageId } } } }`

const findingsStory = `{ planViolations { edges { cursor node { rule } } nodes { eventType property rule volume firstSeenAt lastSeenAt messageId }
		pageInfo { hasNextPage } totalCount unrecordedViolations }
	quarantinedEvents { edges { cursor node { id } } nodes { id type messageId source receivedAt timestamp userId anonymousId properties traits field reason planVersion }
		pageInfo { hasNextPage } totalCount } }`

const quarantineReleased = `mutation ($ids: [ID!], $types: [String!]) { releaseQuarantinedEvents(ids: $ids, types: $types) {
	released more verdicts { messageId status field reason warnings { field reason } } } }`

const quarantineDiscarded = `mutation ($ids: [ID!]) { discardQuarantinedEvents(ids: $ids) { discarded more } }`

const sendWarned = `mutation ($events: [EventInput!]!) { ingestEvents(events: $events) { accepted rejected quarantined queued
	verdicts { messageId status field reason warnings { field reason } } } }`

type found struct {
	PlanViolations struct {
		Nodes []struct {
			EventType, Rule, MessageID string
			Property                   *string
			Volume                     int
		}
		TotalCount int
	}
	QuarantinedEvents struct {
		Nodes []struct {
			ID, Type, MessageID, Source, ReceivedAt, Field, Reason string
			Timestamp, UserID                                      *string
			Properties                                             map[string]any
			PlanVersion                                            int
		}
		TotalCount int
	}
}

func findings(t *testing.T, who *served.Tenant) (f found) {
	t.Helper()
	who.Query(t, findingsStory, nil, &f)
	return f
}

// violations writes each in a line.
func (f found) violations() (lines []string) {
	for _, v := range f.PlanViolations.Nodes {
		property := "-"
		if v.Property != nil {
			property = *v.Property
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %d", v.EventType, property, v.Rule, v.Volume))
	}
	return lines
}

// savePlan saves a plan written as a literal of GraphQL, and returns its version.
func savePlan(t *testing.T, who *served.Tenant, plan string) int {
	t.Helper()
	var answer struct {
		SaveTrackingPlan struct{ Plan struct{ Version int } }
	}
	who.Manage(t, `mutation { saveTrackingPlan(plan: `+plan+`) { plan { version } } }`, nil, &answer)
	return answer.SaveTrackingPlan.Plan.Version
}

type released struct {
	ReleaseQuarantinedEvents struct {
		Released int
		More     bool
		Verdicts []served.Verdict
	}
}

func release(t *testing.T, who *served.Tenant, variables map[string]any) (r released) {
	t.Helper()
	who.Manage(t, quarantineReleased, variables, &r)
	return r
}

// signUp is a plan for one type, with what becomes of events that are against it.
func signUp(action string) string {
	return `{onViolation: ` + action + `, onUnknownType: ` + action + `, events: [{type: "Signed Up", allowUnknownProperties: false, properties: [
		{name: "plan", required: true, kinds: [STRING], allowed: ["pro", "team"]}, {name: "code", pattern: "[A-Z]{2}"}, {name: "seats", kinds: [NUMBER]}]}]}`
}

// Every version stays, the last one holds, and nobody overwrites what they have not seen.
func aPlanHasVersions(t *testing.T, s story) {
	input := map[string]any{"onViolation": "REJECT", "events": []any{map[string]any{
		"type": "E", "description": "Something", "onViolation": "REPORT", "properties": []any{
			map[string]any{"name": "p", "required": true, "kinds": []string{"STRING", "NULL"}, "allowed": []string{"a", "b"}, "pattern": "[ab]", "personal": true, "description": "One of two"},
		}}}}
	type plan struct {
		ID            string
		Version       int
		Current       bool
		SavedBy       string
		OnViolation   string
		OnUnknownType string
		Events        []map[string]any
	}
	var answer struct{ SaveTrackingPlan struct{ Plan plan } }
	s.acme.Manage(t, planSaved, map[string]any{"plan": input, "basedOn": 0}, &answer)
	first := answer.SaveTrackingPlan.Plan
	wantEqual(t, "the first", []any{first.Version, first.Current, first.OnViolation, first.OnUnknownType}, []any{1, true, "REJECT", "ALLOW"})
	wantEqual(t, "its events", first.Events, []map[string]any{{
		"type": "E", "description": "Something", "onViolation": "REPORT", "allowUnknownProperties": true, "properties": []any{map[string]any{
			"name": "p", "required": true, "kinds": []any{"STRING", "NULL"}, "allowed": []any{"a", "b"}, "pattern": "[ab]", "personal": true, "description": "One of two",
		}}}})
	var key string
	s.kit.Scan(t, `select api_key_id::text from api_key where tenant_id = $1 and kind = 'manage'`, []any{s.acme.ID}, &key)
	wantEqual(t, "who saved it", first.SavedBy, key)
	if got := s.kit.Ask(t, s.acme.ManageKey, planSaved, map[string]any{"plan": input, "basedOn": 0}); len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "basedOn" {
		t.Errorf("based on none: %+v", got)
	}
	wantEqual(t, "the next version", savePlan(t, s.acme, `{events: []}`), 2)
	var story struct {
		TrackingPlan  plan
		TrackingPlans struct {
			Nodes []struct {
				Version int
				Current bool
			}
			TotalCount int
		}
	}
	s.acme.Query(t, planStory, map[string]any{"version": 1}, &story)
	wantEqual(t, "the first, later", []any{story.TrackingPlan.ID, story.TrackingPlan.Current}, []any{first.ID, false})
	wantEqual(t, "versions", fmt.Sprint(story.TrackingPlans.Nodes), "[{2 true} {1 false}]")
	s.acme.Query(t, planStory, nil, &story)
	wantEqual(t, "the current one", story.TrackingPlan.Version, 2)
	var node struct{ Node struct{ ID string } }
	s.acme.Query(t, nodes, map[string]any{"id": first.ID}, &node)
	wantEqual(t, "node", node.Node.ID, first.ID)
	wantUnobserved(t, s.globex)
}

// The plan of one company is nothing to another.
func withoutAPlanNothingIsChecked(t *testing.T, s story) {
	savePlan(t, s.globex, signUp("REJECT"))
	got := s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"free"}`))
	wantEqual(t, "verdict", got, []served.Verdict{{MessageID: "m1", Status: "ACCEPTED"}})
	wantNoFindings(t, s.acme)
	s.wantCount(t, 1, 1)
}

// wantNoFindings holds that nothing was found against a plan.
func wantNoFindings(t *testing.T, who *served.Tenant) {
	t.Helper()
	if f := findings(t, who); len(f.PlanViolations.Nodes)+len(f.QuarantinedEvents.Nodes) > 0 {
		t.Errorf("there are findings: %+v", f)
	}
}

// Events that are against a plan which reports are taken, with warnings, and counted once.
func aPlanReports(t *testing.T, s story) {
	savePlan(t, s.acme, signUp("REPORT"))
	batch := []string{
		with("m1", "Signed Up", `{"plan":"pro","code":"AB","seats":1}`),
		with("m2", "Signed Up", `{"plan":"free","code":"ABC","more":1}`),
		with("m3", "Signed Up", `{"seats":"1"}`), event("m4", "Signed Down", "u1", noon), `{"type":"page","messageId":"m5","userId":"u1","timestamp":"` + noon + `"}`,
	}
	got := s.acme.Batch(t, batch...)
	wantVerdicts(t, got, "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	var fields [][]string
	for _, v := range got {
		var of []string
		for _, w := range v.Warnings {
			of = append(of, w.Field)
			wantDiscreet(t, w.Reason, "free")
		}
		fields = append(fields, of)
	}
	wantEqual(t, "warnings", fields, [][]string{
		nil, {"properties.more", "properties.plan", "properties.code"}, {"properties.seats", "properties.plan"}, {"event"}, nil,
	})
	wantVerdicts(t, s.acme.Batch(t, batch...), "DUPLICATE", "DUPLICATE", "DUPLICATE", "DUPLICATE", "DUPLICATE")
	f := findings(t, s.acme)
	wantEqual(t, "violations", f.violations(), []string{
		"Signed Down - UNKNOWN_EVENT_TYPE 1", "Signed Up code NO_MATCH 1", "Signed Up more UNKNOWN_PROPERTY 1",
		"Signed Up plan MISSING_PROPERTY 1", "Signed Up plan NOT_ALLOWED 1", "Signed Up seats WRONG_KIND 1",
	})
	wantEqual(t, "a message of it", f.PlanViolations.Nodes[2].MessageID, "m2")
	o := observe(t, s.acme, "Signed Up")
	wantEqual(t, "planned", []bool{o.EventTypes.Nodes[0].Planned, o.EventTypes.Nodes[1].Planned, o.EventTypes.Nodes[2].Planned}, []bool{false, false, true})
	s.wantCount(t, 5, 1)
	wantUnobserved(t, s.globex)
}

// What a plan rejects is not there, and its message id is free.
func aPlanRejects(t *testing.T, s story) {
	savePlan(t, s.acme, signUp("REJECT"))
	got := s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"free"}`), with("m2", "Signed Up", `{"plan":"pro"}`), event("m3", "Other", "u2", noon))
	wantVerdicts(t, got, "REJECTED", "ACCEPTED", "REJECTED")
	wantEqual(t, "fields", []string{got[0].Field, got[2].Field}, []string{"properties.plan", "event"})
	wantEqual(t, "reason", got[0].Reason, "The value is not one of those that the tracking plan allows.")
	s.wantCount(t, 1, 1)
	wantVerdicts(t, s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"pro"}`)), "ACCEPTED")
	s.wantCount(t, 2, 1)
	f := findings(t, s.acme)
	wantEqual(t, "violations", f.violations(), []string{"Other - UNKNOWN_EVENT_TYPE 1", "Signed Up plan NOT_ALLOWED 1"})
	wantEqual(t, "held", f.QuarantinedEvents.TotalCount, 0)
	if o := observe(t, s.acme, "Signed Up"); o.EventTypes.TotalCount != 1 {
		t.Errorf("what was rejected was observed: %+v", o.EventTypes)
	}
	wantUnobserved(t, s.globex)
}

// What a plan quarantines counts nowhere until it is released under a plan that lets it in.
func aPlanQuarantines(t *testing.T, s story) {
	savePlan(t, s.acme, signUp("QUARANTINE"))
	held := with("m1", "Signed Up", `{"plan":"free","big":1e3,"html":"<b>"}`)
	wantVerdicts(t, s.acme.Batch(t, held, held, with("m2", "Signed Up", `{"plan":1}`), with("m3", "Signed Up", `{"plan":"pro"}`)),
		"QUARANTINED", "QUARANTINED", "QUARANTINED", "ACCEPTED")
	wantVerdicts(t, s.acme.Batch(t, held), "QUARANTINED")
	s.wantCount(t, 1, 1)
	f := findings(t, s.acme)
	wantEqual(t, "held", []any{f.QuarantinedEvents.TotalCount, len(f.QuarantinedEvents.Nodes)}, []any{2, 2})
	first := f.QuarantinedEvents.Nodes[1]
	wantEqual(t, "what is held", []any{first.MessageID, first.Type, *first.UserID, *first.Timestamp, first.Field, first.PlanVersion, first.Properties},
		[]any{"m1", "Signed Up", "u1", noon, "properties.big", 1, map[string]any{"plan": "free", "big": 1000.0, "html": "<b>"}})
	var node struct{ Node struct{ ID string } }
	s.acme.Query(t, nodes, map[string]any{"id": first.ID}, &node)
	wantEqual(t, "node", node.Node.ID, first.ID)
	if got := s.kit.Ask(t, s.globex.ManageKey, quarantineReleased, map[string]any{"ids": []string{first.ID}}); string(got.Data) != `{"releaseQuarantinedEvents":{"released":0,"more":false,"verdicts":[]}}` {
		t.Errorf("the stranger releases %s %+v", got.Data, got.Errors)
	}

	r := release(t, s.acme, nil)
	wantVerdicts(t, r.ReleaseQuarantinedEvents.Verdicts, "QUARANTINED", "QUARANTINED")
	s.wantCount(t, 1, 1)
	savePlan(t, s.acme, `{events: [{type: "Signed Up", properties: [{name: "plan", kinds: [STRING]}], onViolation: REJECT}]}`)
	r = release(t, s.acme, nil)
	wantVerdicts(t, r.ReleaseQuarantinedEvents.Verdicts, "ACCEPTED", "QUARANTINED")
	wantEqual(t, "released", r.ReleaseQuarantinedEvents.Released, 1)
	s.wantCount(t, 2, 1)
	wantVerdicts(t, s.acme.Batch(t, held), "DUPLICATE") // it is the same event, to the last digit
	var event struct{ Events struct{ List eventPage } }
	s.acme.Query(t, pageOfEvents, map[string]any{"first": 10}, &event)
	for _, e := range event.Events.List.Nodes {
		wantEqual(t, "when it was done", e.OccurredAt, at(t, noon))
	}
	savePlan(t, s.acme, `{events: []}`)
	r = release(t, s.acme, map[string]any{"ids": []string{findings(t, s.acme).QuarantinedEvents.Nodes[0].ID}})
	wantVerdicts(t, r.ReleaseQuarantinedEvents.Verdicts, "ACCEPTED")
	wantEqual(t, "held", findings(t, s.acme).QuarantinedEvents.TotalCount, 0)
	wantEqual(t, "released again", release(t, s.acme, nil).ReleaseQuarantinedEvents.Released, 0)
	s.wantCount(t, 3, 1)
	var bodies int
	s.kit.Scan(t, `select count(*) from quarantined_event where tenant_id = $1 and body is not null`, []any{s.acme.ID}, &bodies)
	wantEqual(t, "what is kept of released events", bodies, 0)
	wantUnobserved(t, s.globex)
	wantRecounted(t, s.kit)
}

// The id of an event in quarantine is free: its sender sends it again, corrected.
func aCorrectedRetryIsAccepted(t *testing.T, s story) {
	savePlan(t, s.acme, signUp("QUARANTINE"))
	wantVerdicts(t, s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"free"}`)), "QUARANTINED")
	wantVerdicts(t, s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"none"}`)), "QUARANTINED")
	f := findings(t, s.acme)
	wantEqual(t, "the later one is held", f.QuarantinedEvents.Nodes[0].Properties, map[string]any{"plan": "none"})
	wantVerdicts(t, s.acme.Batch(t, with("m1", "Signed Up", `{"plan":"pro"}`)), "ACCEPTED")
	savePlan(t, s.acme, `{events: []}`)
	wantVerdicts(t, release(t, s.acme, map[string]any{"types": []string{"Signed Up"}}).ReleaseQuarantinedEvents.Verdicts, "CONFLICT")
	s.wantCount(t, 1, 1)
	wantEqual(t, "it stays until it is discarded", findings(t, s.acme).QuarantinedEvents.TotalCount, 1)
}

// Discarding forgets an event, and others not.
func whatIsDiscardedIsGone(t *testing.T, s story) {
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		savePlan(t, who, `{onUnknownType: QUARANTINE, events: []}`)
		wantVerdicts(t, who.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u1", noon)), "QUARANTINED", "QUARANTINED")
	}
	var answer struct{ DiscardQuarantinedEvents struct{ Discarded int } }
	strangers := findings(t, s.globex).QuarantinedEvents.Nodes[0].ID
	s.acme.Manage(t, quarantineDiscarded, map[string]any{"ids": []string{strangers}}, &answer)
	wantEqual(t, "of the stranger's", answer.DiscardQuarantinedEvents.Discarded, 0)
	one := findings(t, s.acme).QuarantinedEvents.Nodes[0].ID
	s.acme.Manage(t, quarantineDiscarded, map[string]any{"ids": []string{one}}, &answer)
	wantEqual(t, "one", []int{answer.DiscardQuarantinedEvents.Discarded, findings(t, s.acme).QuarantinedEvents.TotalCount}, []int{1, 1})
	s.acme.Manage(t, quarantineDiscarded, nil, &answer)
	wantEqual(t, "the rest", []int{answer.DiscardQuarantinedEvents.Discarded, findings(t, s.acme).QuarantinedEvents.TotalCount}, []int{1, 0})
	wantEqual(t, "released", release(t, s.acme, nil).ReleaseQuarantinedEvents.Released, 0)
	wantEqual(t, "the stranger's", findings(t, s.globex).QuarantinedEvents.TotalCount, 2)
	if got := s.kit.Ask(t, s.acme.ReadKey, nodes, map[string]any{"id": one}); len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "NOT_FOUND" {
		t.Errorf("it is still found: %s", got.Data)
	}
}

// A preview holds stored events against a plan, and leaves everything as it was.
func aPreviewTellsAndSavesNothing(t *testing.T, s story) {
	now := func(id, properties string) string {
		return fmt.Sprintf(`{"type":"track","messageId":%q,"event":"Signed Up","userId":"u1","properties":%s}`, id, properties)
	}
	s.acme.Batch(t, now("m1", `{"plan":"pro"}`), now("m2", `{"plan":"free"}`), now("m3", `{"plan":"free","seats":"1"}`),
		event("m4", "Signed Up", "u1", "2024-01-01T00:00:00Z")) // too long ago
	s.globex.Batch(t, now("m1", `{}`))
	var answer struct {
		SaveTrackingPlan struct {
			Plan    *struct{ Version int }
			Preview struct {
				Checked, Violating int
				Complete           bool
				Violations         []struct {
					EventType, Property, Rule, MessageID string
					Count                                int
				}
			}
		}
	}
	s.acme.Manage(t, planPreviewed, map[string]any{"plan": map[string]any{"onViolation": "REJECT", "events": []any{map[string]any{
		"type": "Signed Up", "properties": []any{
			map[string]any{"name": "plan", "allowed": []string{"pro"}}, map[string]any{"name": "seats", "kinds": []string{"NUMBER"}}},
	}}}}, &answer)
	p := answer.SaveTrackingPlan.Preview
	wantEqual(t, "preview", []any{p.Checked, p.Violating, p.Complete, answer.SaveTrackingPlan.Plan == nil}, []any{3, 2, true, true})
	got := map[string]int{}
	for _, v := range p.Violations {
		got[v.EventType+" "+v.Property+" "+v.Rule] = v.Count
	}
	wantEqual(t, "violations", got, map[string]int{"Signed Up plan NOT_ALLOWED": 2, "Signed Up seats WRONG_KIND": 1})
	var plan struct{ TrackingPlan *struct{ Version int } }
	s.acme.Query(t, `{ trackingPlan { version } }`, nil, &plan)
	if plan.TrackingPlan != nil {
		t.Error("the preview saved a plan")
	}
	wantNoFindings(t, s.acme)
}

// The mutation judges as /v1/batch does.
func theSamePlanOverGraphQL(t *testing.T, s story) {
	savePlan(t, s.acme, `{onUnknownType: QUARANTINE, events: [
		{type: "Warned", properties: [{name: "p", required: true}]},
		{type: "Refused", onViolation: REJECT, properties: [{name: "p", required: true}]},
		{type: "$identify", properties: [{name: "p", required: true}]}]}`)
	answer := s.kit.Ask(t, s.acme.WriteKey, sendWarned, map[string]any{"events": []input{
		inputOf("m1", "Warned", "u1"), inputOf("m2", "Refused", "u1"), inputOf("m3", "Unheard", "u1"),
	}})
	var got struct {
		IngestEvents struct {
			Accepted, Rejected, Quarantined, Queued int
			Verdicts                                []served.Verdict
		}
	}
	served.Reply{Body: answer.Data}.Decode(t, &got)
	wantEqual(t, "sums", []int{got.IngestEvents.Accepted, got.IngestEvents.Rejected, got.IngestEvents.Quarantined, got.IngestEvents.Queued}, []int{1, 1, 1, 0})
	v := got.IngestEvents.Verdicts
	wantVerdicts(t, v, "ACCEPTED", "REJECTED", "QUARANTINED")
	wantEqual(t, "fields", []string{v[0].Warnings[0].Field, v[1].Field, v[2].Field}, []string{"properties.p", "properties.p", "type"})
	s.wantCount(t, 1, 1)
	wantUnobserved(t, s.globex)
}
