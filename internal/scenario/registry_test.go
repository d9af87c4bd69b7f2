package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What is sent, as the registry tells it.
func TestRegistry(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"what was sent is known", whatWasSentIsKnown},
		{"a type change is flagged", aTypeChangeIsFlagged},
		{"pages of types", pagesOfTypes},
		{"samples are forgotten", samplesAreForgotten},
		{"the registry is live", theRegistryIsLive},
		{"the registry refuses", theRegistryRefuses},
	})
}

// with is a tracked event with properties.
func with(id, name, properties string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"userId":"u1","timestamp":%q,"properties":%s}`, id, name, noon, properties)
}

const registryStory = `query ($name: String!) {
	eventTypes { edges { cursor node { name } } nodes { id name description volume firstSeenAt lastSeenAt planned typeChanged
		propertyCount unrecordedPropertyUses
		properties { name description kinds { kind volume firstSeenAt lastSeenAt sample } volume firstSeenAt lastSeenAt typeChanged planned required personal } }
		pageInfo { hasNextPage } totalCount unrecordedEvents }
	eventType(name: $name) { id volume }
	schemaChanges { edges { cursor node { id } } nodes { id change eventType property kind was messageId occurredAt recordedAt } pageInfo { hasNextPage } totalCount } }`

type observed struct {
	EventTypes struct {
		Nodes []struct {
			ID, Name, FirstSeenAt, LastSeenAt string
			Description                       *string
			Volume, PropertyCount             int
			Planned, TypeChanged              bool
			Properties                        []observedProperty
		}
		TotalCount, UnrecordedEvents int
		PageInfo                     pageInfo
	}
	EventType     *struct{ ID string }
	SchemaChanges struct {
		Nodes []struct {
			ID, Change, EventType, MessageID string
			Property, Kind                   *string
			Was                              []string
		}
		TotalCount int
	}
}

type observedProperty struct {
	Name  string
	Kinds []struct {
		Kind   string
		Volume int
		Sample *string
	}
	Volume                                   int
	TypeChanged, Planned, Required, Personal bool
}

func observe(t *testing.T, who *served.Tenant, name string) (o observed) {
	t.Helper()
	who.Query(t, registryStory, map[string]any{"name": name}, &o)
	return o
}

// changes writes each change in a line, the newest first.
func (o observed) changes() (lines []string) {
	orNone := func(text *string) string {
		if text == nil {
			return "-"
		}
		return *text
	}
	for _, c := range o.SchemaChanges.Nodes {
		lines = append(lines, fmt.Sprintf("%s %s %s %s was %v by %s", c.Change, c.EventType, orNone(c.Property), orNone(c.Kind), c.Was, c.MessageID))
	}
	return lines
}

// wantUnobserved holds that a company knows of nothing.
func wantUnobserved(t *testing.T, who *served.Tenant) {
	t.Helper()
	var o observed
	var f found
	who.Query(t, `{ eventTypes { nodes { name } totalCount } schemaChanges { nodes { id } totalCount } }`, nil, &o)
	who.Query(t, findingsStory, nil, &f)
	var plan struct{ TrackingPlan *struct{ Version int } }
	who.Query(t, `{ trackingPlan { version } }`, nil, &plan)
	if len(o.EventTypes.Nodes)+o.EventTypes.TotalCount+len(o.SchemaChanges.Nodes)+o.SchemaChanges.TotalCount > 0 ||
		len(f.PlanViolations.Nodes)+len(f.QuarantinedEvents.Nodes) > 0 || plan.TrackingPlan != nil {
		t.Errorf("the stranger sees %+v %+v %+v", o, f, plan)
	}
}

// Whatever came in, once or again, is told: which types, which properties, how often, since when.
func whatWasSentIsKnown(t *testing.T, s story) {
	batch := []string{
		with("m1", "Bought", `{"plan":"pro","seats":3,"email":"a@b.c"}`), with("m2", "Bought", `{"plan":"team","list":[1]}`),
		event("m3", "Opened", "u1", "2026-05-02T12:00:00Z"), event("m4", "Opened", "u1", noon),
	}
	s.acme.Batch(t, batch...)
	wantVerdicts(t, s.acme.Batch(t, batch...), "DUPLICATE", "DUPLICATE", "DUPLICATE", "DUPLICATE")
	o := observe(t, s.acme, "Opened")
	wantEqual(t, "how many types", []int{o.EventTypes.TotalCount, o.EventTypes.UnrecordedEvents}, []int{2, 0})
	bought, opened := o.EventTypes.Nodes[0], o.EventTypes.Nodes[1]
	wantEqual(t, "names", []string{bought.Name, opened.Name}, []string{"Bought", "Opened"})
	wantEqual(t, "volumes", []int{bought.Volume, bought.PropertyCount, opened.Volume}, []int{2, 4, 2})
	wantEqual(t, "instants", []string{opened.FirstSeenAt, opened.LastSeenAt}, []string{noon, "2026-05-02T12:00:00Z"})
	wantEqual(t, "flags", []bool{bought.Planned, bought.TypeChanged}, []bool{false, false})
	wantEqual(t, "id", o.EventType.ID, opened.ID)
	var names []string
	samples := map[string]string{}
	for _, p := range bought.Properties {
		names = append(names, fmt.Sprint(p.Name, " ", p.Kinds[0].Kind, " ", p.Volume))
		if sample := p.Kinds[0].Sample; sample != nil {
			samples[p.Name] = *sample
		}
	}
	wantEqual(t, "properties", names, []string{"email STRING 1", "list ARRAY 1", "plan STRING 2", "seats NUMBER 1"})
	wantEqual(t, "samples", samples, map[string]string{"plan": `"pro"`, "seats": "3"})
	for _, id := range []string{bought.ID, o.SchemaChanges.Nodes[0].ID} {
		var answer struct{ Node struct{ ID string } }
		s.acme.Query(t, nodes, map[string]any{"id": id}, &answer)
		wantEqual(t, "node", answer.Node.ID, id)
		if got := s.kit.Ask(t, s.globex.ReadKey, nodes, map[string]any{"id": id}); len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("the stranger finds %s: %s", id, got.Data)
		}
	}
	wantUnobserved(t, s.globex)
}

// A property that comes in another kind is flagged, with the event that brought it; a whole
// number and a broken one are of one kind, and null is of none.
func aTypeChangeIsFlagged(t *testing.T, s story) {
	s.acme.Batch(t, with("m1", "Paid", `{"amount":1,"note":null}`))
	s.acme.Batch(t, with("m2", "Paid", `{"amount":1.5,"note":"x"}`), with("m3", "Paid", `{"amount":null}`))
	if o := observe(t, s.acme, "Paid"); o.EventTypes.Nodes[0].TypeChanged {
		t.Errorf("it is flagged too early: %+v", o.EventTypes.Nodes[0])
	}
	s.acme.Batch(t, with("m4", "Paid", `{"amount":"1.50"}`), with("m5", "Paid", `{"amount":"2.00"}`))
	o := observe(t, s.acme, "Paid")
	wantEqual(t, "changes", o.changes(), []string{
		"TYPE_CHANGED Paid amount STRING was [NULL NUMBER] by m4",
		"NEW_PROPERTY Paid note NULL was [] by m1",
		"NEW_PROPERTY Paid amount NUMBER was [] by m1",
		"NEW_EVENT_TYPE Paid - - was [] by m1",
	})
	paid := o.EventTypes.Nodes[0]
	wantEqual(t, "flags", []bool{paid.TypeChanged, paid.Properties[0].TypeChanged, paid.Properties[1].TypeChanged}, []bool{true, true, false})
	var only struct {
		SchemaChanges struct {
			Nodes      []struct{ MessageID string }
			TotalCount int
		}
	}
	s.acme.Query(t, `{ schemaChanges(changes: [TYPE_CHANGED]) { nodes { messageId } totalCount } }`, nil, &only)
	wantEqual(t, "changes of a kind", []any{only.SchemaChanges.Nodes[0].MessageID, only.SchemaChanges.TotalCount}, []any{"m4", 1})
	wantUnobserved(t, s.globex)
}

// The pages together are the list, whatever their size.
func pagesOfTypes(t *testing.T, s story) {
	var events, names []string
	for i := range 9 {
		names = append(names, fmt.Sprint("T", i))
		events = append(events, with(fmt.Sprint("m", i), names[i], fmt.Sprintf(`{"p%d":1}`, i)))
	}
	s.acme.Batch(t, events...)
	for _, first := range []int{1, 4, 9, 200} {
		var got []string
		var after *string
		for {
			var o observed
			s.acme.Query(t, `query ($first: Int!, $after: String) { eventTypes(first: $first, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } totalCount } }`,
				map[string]any{"first": first, "after": after}, &o)
			for _, n := range o.EventTypes.Nodes {
				got = append(got, n.Name)
			}
			if after = o.EventTypes.PageInfo.EndCursor; !o.EventTypes.PageInfo.HasNextPage {
				break
			}
		}
		wantEqual(t, fmt.Sprint("pages of ", first), got, names)
	}
}

// Fifty types with their properties cost as many statements as one.
func TestTypesCostNoStatementEach(t *testing.T) {
	s := begin(t)
	var events []string
	for i := range 50 {
		events = append(events, with(fmt.Sprint("m", i), fmt.Sprint("T", i), `{"a":1,"b":"x","c":true}`))
	}
	s.acme.Batch(t, events...)
	const page = `query ($first: Int!) { eventTypes(first: $first) { nodes { name typeChanged properties { name kinds { kind sample } } } } }`
	for _, first := range []int{1, 50} {
		s.kit.Statements.Take()
		var o observed
		s.acme.Query(t, page, map[string]any{"first": first}, &o)
		wantEqual(t, "types", len(o.EventTypes.Nodes), first)
		wantEqual(t, "properties", len(o.EventTypes.Nodes[first-1].Properties), 3)
		asked := s.kit.Statements.Take()
		wantEqual(t, fmt.Sprint("statements for ", first), []int{asked["EventTypePage"], asked["EventPropertyListByTypes"]}, []int{1, 1})
	}
}

const samplesForgotten = `mutation { forgetPropertySamples }`

// Samples can be forgotten, and personal properties have none.
func samplesAreForgotten(t *testing.T, s story) {
	sample := func() string {
		t.Helper()
		o := observe(t, s.acme, "E")
		if sample := o.EventTypes.Nodes[0].Properties[0].Kinds[0].Sample; sample != nil {
			return *sample
		}
		return "none"
	}
	s.acme.Batch(t, with("m1", "E", `{"city":"Kiel"}`))
	s.globex.Batch(t, with("m1", "E", `{"city":"Bonn"}`))
	wantEqual(t, "at first", sample(), `"Kiel"`)
	s.acme.Batch(t, with("m2", "E", `{"city":"Ulm"}`))
	wantEqual(t, "the first is kept", sample(), `"Kiel"`)
	var forgotten struct{ ForgetPropertySamples int }
	s.acme.Manage(t, samplesForgotten, nil, &forgotten)
	wantEqual(t, "forgotten", forgotten.ForgetPropertySamples, 1)
	wantEqual(t, "once forgotten", sample(), "none")
	s.acme.Batch(t, with("m3", "E", `{"city":"Ulm"}`))
	wantEqual(t, "with a new event", sample(), `"Ulm"`)
	savePlan(t, s.acme, `{events: [{type: "E", properties: [{name: "city", personal: true}]}]}`)
	wantEqual(t, "once it is personal", sample(), "none")
	s.acme.Batch(t, with("m4", "E", `{"city":"Ulm"}`))
	wantEqual(t, "as it is personal", sample(), "none")
	wantEqual(t, "the stranger's", *observe(t, s.globex, "E").EventTypes.Nodes[0].Properties[0].Kinds[0].Sample, `"Bonn"`)
}

// Whoever watches the registry sees each batch, and each plan.
func theRegistryIsLive(t *testing.T, s story) {
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`eventTypes { nodes { name volume planned } } schemaChanges { totalCount }`))
	wantNext(t, w, `"nodes":[]`)
	s.acme.Batch(t, with("m1", "E", `{"a":1}`))
	until(t, w, `"eventTypes":{"nodes":[{"name":"E","volume":1,"planned":false}]},"schemaChanges":{"totalCount":2}`)
	s.acme.Batch(t, event("m2", "E", "u1", "2024-02-02T12:00:00Z")) // on another day
	until(t, w, `"volume":2,`)
	savePlan(t, s.acme, `{events: [{type: "E"}]}`)
	until(t, w, `"planned":true`)

	w = watchSocket(t, s.kit, s.acme.ReadKey, live(`quarantinedEvents { totalCount } planViolations { nodes { volume } }`))
	wantNext(t, w, `"quarantinedEvents":{"totalCount":0},"planViolations":{"nodes":[]}`)
	savePlan(t, s.acme, `{onUnknownType: QUARANTINE, events: []}`)
	s.acme.Batch(t, event("m3", "F", "u1", noon))
	until(t, w, `"quarantinedEvents":{"totalCount":1},"planViolations":{"nodes":[{"volume":1}]}`)
	s.acme.Manage(t, quarantineDiscarded, nil, &struct{}{})
	until(t, w, `"quarantinedEvents":{"totalCount":0},"planViolations":{"nodes":[{"volume":1}]}`)
}

// Questions that have no answer are at fault, and say in what.
func theRegistryRefuses(t *testing.T, s story) {
	cases := []struct{ query, code, field string }{
		{`{ eventTypes(first: 0) { totalCount } }`, "BAD_USER_INPUT", "first"},
		{`{ eventTypes(first: 201) { totalCount } }`, "BAD_USER_INPUT", "first"},
		{`{ eventTypes(after: "!") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ eventTypes(after: "AA") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ schemaChanges(after: "eA") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ trackingPlans(after: "eA") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ planViolations(after: "eA") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ planViolations(types: ["\u0000"]) { totalCount } }`, "BAD_USER_INPUT", "types"},
		{`{ quarantinedEvents(after: "eA") { totalCount } }`, "BAD_USER_INPUT", "after"},
		{`{ quarantinedEvents(types: ["\u0000"]) { totalCount } }`, "BAD_USER_INPUT", "types"},
		{`{ eventType(name: "\u0000") { name } }`, "NOT_FOUND", "name"},
		{`{ eventType(name: "Nothing") { name } }`, "NOT_FOUND", "name"},
		{`{ trackingPlan(version: 1) { version } }`, "NOT_FOUND", "version"},
		{`{ trackingPlan(version: -1) { version } }`, "NOT_FOUND", "version"},
		{`mutation { releaseQuarantinedEvents(ids: []) { released } }`, "BAD_USER_INPUT", "ids"},
		{`mutation { releaseQuarantinedEvents(ids: ["x"]) { released } }`, "NOT_FOUND", "ids"},
		{`mutation { releaseQuarantinedEvents(types: ["\u0000"]) { released } }`, "BAD_USER_INPUT", "types"},
		{`mutation { discardQuarantinedEvents(types: ["\u0000"]) { discarded } }`, "BAD_USER_INPUT", "types"},
		{`mutation { saveTrackingPlan(plan: {events: []}, basedOn: 3) { plan { version } } }`, "BAD_USER_INPUT", "basedOn"},
		{`mutation { saveTrackingPlan(plan: {events: []}, preview: true, days: 32) { plan { version } } }`, "BAD_USER_INPUT", "days"},
		{`mutation { saveTrackingPlan(plan: {events: [{type: "E", properties: [{name: "p", pattern: "("}]}]}) { plan { version } } }`,
			"BAD_USER_INPUT", "plan.events.0.properties.0.pattern"},
	}
	for _, c := range cases {
		got := s.kit.Ask(t, s.acme.ManageKey, c.query, nil)
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != c.code || got.Errors[0].Extensions.Field != c.field {
			t.Errorf("%s: %+v", c.query, got.Errors)
			continue
		}
		wantDiscreet(t, strings.ReplaceAll(got.Errors[0].Message, "lists those", ""), "")
	}
}
