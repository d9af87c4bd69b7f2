package scenario_test

import "testing"

// withDay goes before a change of what is written with every batch: no table of it is followed,
// but the days that batches change are, by the same transaction.
const withDay = `with d as (update day_version set version = nextval('day_version_seq') where tenant_id = $1) `

// planAgain saves the plan anew, with another description.
const planAgain = `insert into tracking_plan (tenant_id, version, plan, saved_by)
	select tenant_id, version + 1, replace(replace(plan::text, 'Meant', 'Meant {n}'), '{n} {n}', '{n}')::jsonb, saved_by
	from tracking_plan where tenant_id = $1 order by version desc limit 1`

// fieldsOfRegistry are of what a company sends, and of what it means to.
var fieldsOfRegistry = []followed{
	{field: "Query.eventTypes", watch: `eventTypes { nodes { volume } }`, change: withDay + `update event_type set volume = 10{n} where tenant_id = $1`, want: `"volume":10{n}`},
	{field: "EventTypeConnection.unrecordedEvents", watch: `eventTypes { unrecordedEvents }`,
		change: `insert into registry_state as r (tenant_id, unrecorded_events) values ($1, {n}) on conflict (tenant_id) do update set unrecorded_events = excluded.unrecorded_events`, want: `"unrecordedEvents":{n}`},
	{field: "Query.eventType", watch: `eventType(name: "E") { volume }`, change: withDay + `update event_type set volume = 11{n} where tenant_id = $1`, want: `"volume":11{n}`},
	{field: "EventType.properties", watch: `eventType(name: "E") { properties { volume } }`,
		change: withDay + `update event_property set volume = 12{n} where tenant_id = $1`, want: `"volume":12{n}`},
	{field: "ObservedKind.sample", watch: `eventTypes { nodes { properties { kinds { sample } } } }`,
		change: withDay + `update event_property set sample = '7{n}' where tenant_id = $1`, want: `"sample":"7{n}"`},
	{field: "EventType.description", watch: `eventTypes { nodes { description planned } }`, change: planAgain, want: `"Meant {n}"`},
	{field: "EventProperty.description", watch: `eventType(name: "E") { properties { description } }`,
		change: `insert into tracking_plan (tenant_id, version, plan, saved_by)
			select tenant_id, version + 1, replace(plan::text, 'A number', 'Number {n}')::jsonb, saved_by from tracking_plan where tenant_id = $1 order by version desc limit 1`, want: `"Number {n}"`},
	{field: "Query.schemaChanges", watch: `schemaChanges { nodes { eventType } totalCount }`,
		change: withDay + `insert into schema_change (tenant_id, change, type, message_id, occurred_at) values ($1, 'NEW_EVENT_TYPE', 'New {n}', 'm', now())`, want: `"New {n}"`},
	{field: "Query.trackingPlan", watch: `trackingPlan { version }`, change: planAgain, want: `"version":4`},
	{field: "Query.trackingPlans", watch: `trackingPlans { totalCount nodes { version } }`, change: planAgain, want: `"totalCount":5`},
	{field: "Query.planViolations", watch: `planViolations { nodes { volume } totalCount }`, change: `update plan_violation set volume = 2{n} where tenant_id = $1`, want: `"volume":2{n}`},
	{field: "PlanViolationConnection.unrecordedViolations", watch: `planViolations { unrecordedViolations }`,
		change: `insert into registry_state as r (tenant_id, unrecorded_violations) values ($1, {n}) on conflict (tenant_id) do update set unrecorded_violations = excluded.unrecorded_violations`, want: `"unrecordedViolations":{n}`},
	{field: "Query.quarantinedEvents", watch: `quarantinedEvents { nodes { reason } totalCount }`, change: `update quarantined_event set reason = 'Reason {n}' where tenant_id = $1`, want: `"Reason {n}"`},
	{field: "QuarantinedEvent.userId", watch: `quarantinedEvents { nodes { userId } }`,
		change: `update quarantined_event set body = replace(body::text, 'held', 'kept {n}')::json where tenant_id = $1`, want: `"kept {n}"`},

	{field: "Query.node", watch: `node(id: "{eventType}") { ... on EventType { volume } }`, change: withDay + `update event_type set volume = 13{n} where tenant_id = $1`, want: `"volume":13{n}`},
	{field: "Query.node", watch: `node(id: "{plan}") { ... on TrackingPlan { current } }`, change: planAgain, want: `"current":false`},
	{field: "Query.node", watch: `node(id: "{quarantined}") { ... on QuarantinedEvent { reason } }`, change: `update quarantined_event set reason = 'Reason N{n}' where tenant_id = $1`, want: `"Reason N{n}"`},
	{field: "Query.node", watch: `node(id: "{change}") { ... on SchemaChange { eventType } }`, change: withDay + `update schema_change set type = 'Changed {n}' where tenant_id = $1`, want: `"Changed {n}"`},
}

// hasRegistry has companies send what they planned, and something that they did not.
func hasRegistry(t *testing.T, _ story, worlds ...world) {
	for _, w := range worlds {
		w.Batch(t, with("m1", "E", `{"p":1}`))
		savePlan(t, w.Tenant, `{events: [{type: "E", description: "Meant", onViolation: QUARANTINE, properties: [{name: "p", description: "A number", required: true}]}]}`)
		wantVerdicts(t, w.Batch(t, event("m2", "E", "held", noon)), "QUARANTINED")
	}
}
