package scenario_test

import "testing"

// allOfMay is the month that figures are told of, and cameOn an event of it.
const allOfMay = `range: {from: "2026-05-01T00:00:00Z", to: "2026-06-01T00:00:00Z"}`

func on(day string) string {
	return `zone: "UTC", range: {from: "2026-05-` + day + `T00:00:00Z", to: "2026-05-` + day + `T23:00:00Z"}`
}

func cameOn(day string) string { return `with p as (` + happenedAt(day) + `) select` }

// named has a metric of the company's own called something else, as a new version would.
func named(name string) string {
	return `with v as (
			update metric_definition_version set definition = jsonb_set(definition, '{name}', '"` + name + ` {n}"') where tenant_id = $1 and key = 'own'
		) update metric_definition set created_at = now() where tenant_id = $1 and key = 'own'`
}

func restated(value string) string {
	return `update summary set value = ` + value + `, was = 1, version = version + 1, causes = '{LATE_EVENTS}'
		where tenant_id = $1 and metric = 'events' and period = 'DAY' and superseded_at is null`
}

// fieldsOfFigures are what events, and all else that is counted, come to.
var fieldsOfFigures = []followed{
	{field: "Query.materializedViews", watch: `materializedViews { nodes { staleDays } }`, change: `update day_version set version = nextval('day_version_seq') where tenant_id = $1 and day = '2026-05-01'`, want: `"staleDays":1`},
	// It has the last number, whatever the worker refreshes meanwhile.
	{field: "MaterializedView.error", watch: `materializedViews { nodes { error } }`, houses: true,
		change: `insert into view_refresh (refresh_id, view, state, reason, stale_days, finished_at, error) overriding system value select 1000000000 + {n}, 'day_total', 'FAILED', 'NEEDED', 0, now(), 'Failure {n}' where $1::uuid is not null`, want: `"Failure {n}"`},
	{field: "Metric.summaries", watch: `metric(key: "events") { summaries(period: DAY) { nodes { value } } }`, change: restated(`1{n}`), want: `"value":1{n}`},
	{field: "Metric.summarySeries", watch: `metric(key: "events") { summarySeries(period: DAY) { values } }`, change: restated(`2{n}`), want: `2{n}`},
	{field: "Metric.summary", watch: `metric(key: "events") { summary(period: DAY, start: "2026-05-01") { value } }`, change: restated(`3{n}`), want: `"value":3{n}`},
	{field: "Query.restatements", watch: `restatements { nodes { after } }`, change: restated(`4{n}`), want: `"after":4{n}`},
	{field: "Query.node", watch: `node(id: "{summary}") { ... on MetricSummary { value } }`, change: restated(`5{n}`), want: `"value":5{n}`},
	{field: "Query.events", watch: `events(` + allOfMay + `, types: ["E"]) { count }`, change: `update event_rollup set count = 1{n} where tenant_id = $1 and type = 'E'`, want: `"count":1{n}`},
	{field: "Events.byType", watch: `events(` + allOfMay + `) { byType { types } }`, change: cameOn("10"), want: `"Came {n}"`},
	{field: "Events.list", watch: `events(` + allOfMay + `) { list { nodes { occurredAt } } }`, change: cameOn("11"), want: `"2026-05-11`},
	{field: "Event.person", watch: `events(` + allOfMay + `) { list { nodes { person { traits } } } }`, change: `update profile set traits = traits || '{"did":{n}}' where ` + ofAnn, want: `"did":{n}`},
	{field: "Event.account", watch: `events(` + allOfMay + `) { list { nodes { account { traits } } } }`, change: seated, want: `"seats":{n}`},
	{field: "Query.node", watch: `node(id: "{event}") { ... on Event { person { traits } } }`, change: `update profile set traits = traits || '{"node":{n}}' where ` + ofAnn, want: `"node":{n}`},
	{field: "Query.metrics", watch: `metrics(first: 100) { nodes { name } }`, change: named("Own"), want: `"Own {n}"`},
	{field: "Query.metric", watch: `metric(key: "own") { name }`, change: named("One"), want: `"One {n}"`},
	{field: "Metric.versions", watch: `metric(key: "own") { versions { nodes { definition } } }`, change: named("Versioned"), want: `"Versioned {n}"`},
	{field: "Query.node", watch: `node(id: "{metric}") { ... on Metric { name } }`, change: named("Node"), want: `"Node {n}"`},
	{field: "Metric.value", watch: `metric(key: "active_users") { value(` + allOfMay + `) { value } }`, change: `delete from presence where tenant_id = $1`, want: `"value":0`},
	{field: "Metric.value", watch: `metric(key: "new_users") { value(` + allOfMay + `) { value } }`,
		change: `update identity set born_at = null, day = null where tenant_id = $1 and distinct_id = 'ben'`, want: `"value":2`},
	{field: "Metric.value", watch: `metric(key: "own") { value(` + allOfMay + `) { value } }`, change: cameOn("12"), want: `"value":3`},
	{field: "Metric.series", watch: `metric(key: "own") { series(zone: "UTC", ` + allOfMay + `, interval: MONTH) { values } }`, change: cameOn("13"), want: `"values":[4]`},
	{field: "Metric.breakdown", watch: `metric(key: "events") { breakdown(` + allOfMay + `, by: {kind: USER_TRAIT, name: "plan"}) { rows { keys } } }`,
		change: `update profile set traits = traits || '{"plan":"P{n}"}' where ` + ofAnn, want: `["P{n}"]`},
	{field: "Metric.breakdown", watch: `metric(key: "events") { breakdown(` + allOfMay + `, by: {kind: ACCOUNT_TRAIT, name: "seats"}) { rows { keys } } }`,
		change: `update profile set traits = traits || '{"seats":1{n}}' where ` + ofOne, want: `["1{n}"]`},
	{field: "Metric.breakdown", watch: `metric(key: "events") { breakdown(` + allOfMay + `, by: {kind: PROPERTY, name: "region"}) { rows { keys } total { value } } }`,
		change: withDay + `update event set properties = '{"region":"S{n}"}' where tenant_id = $1`, want: `["S{n}"]`},
	{field: "MetricValue.entities", watch: `metric(key: "active_users") { value(` + allOfMay + `) { entities { nodes { ... on Person { userIds } } } } }`,
		change: `insert into presence (tenant_id, day, identity_id, person_id, slots)
			select tenant_id, '2026-05-25', identity_id, person_id, set_bit(0::bit(128), 50, 1) from identity where tenant_id = $1 and distinct_id = 'ben'`, want: `["ben"]`},
	{field: "Query.previewMetric", watch: `previewMetric(input: {name: "n", events: {aggregation: COUNT, types: ["E"]}}) { total { value } }`,
		change: `insert into event_rollup (tenant_id, at, type, day, count) select $1, a, 'E', a::date, {n} from date_bin('15 minutes', now() - interval '2 days', 'epoch') a`, want: `"value":{n}`},
	{field: "MetricPreview.total", watch: `previewMetric(input: {name: "n", formula: "own"}) { total { value } }`,
		change: `with v as (
				update metric_definition_version set definition = replace(definition::text, 'Came 7', 'E')::jsonb where tenant_id = $1 and key = 'own'
			) update metric_definition set created_at = now() where tenant_id = $1 and key = 'own'`, want: `"value":{n}`},
	{field: "Query.lifecycle", watch: `lifecycle(` + on("26") + `, interval: DAY) { resurrecting }`, change: cameOn("26"), want: `"resurrecting":[1]`},
	{field: "Query.paths", watch: `paths(` + on("14") + `, event: {types: ["Came {n}"]}) { count }`, change: cameOn("14"), want: `"count":1`},
	{field: "Query.retention", watch: `retention(` + on("15") + `, start: RECURRING, startEvent: {types: ["Came {n}"]}, interval: DAY, periods: 2) { sizes }`, change: cameOn("15"), want: `"sizes":[1]`},
	{field: "Query.funnel", watch: `funnel(` + on("16") + `, steps: [{types: ["Came {n}"]}, {types: ["E"]}]) { steps { count } }`, change: cameOn("16"), want: `"count":1`},
}

// hasFigures gives companies something to count, views of what is over, and summaries.
func hasFigures(t *testing.T, s story, worlds ...world) {
	hasPeople(t, s, worlds...)
	for _, w := range worlds {
		define(t, w.Tenant, "own", counting("Came 7", "Came 8"))
	}
	materialize(t, s.kit)
	for _, w := range worlds {
		summarize(t, s.kit, w.Tenant, "2026-05-03T12:00:00Z")
	}
}
