package scenario_test

import "testing"

const firstCohort = `(select min(cohort_id) from cohort where tenant_id = $1)`

// enters has somebody enter the first cohort, as an evaluation does it: by telling when it was found.
func enters(whose string) string {
	return `with entered as (
			insert into cohort_member (tenant_id, cohort_id, identity_id, entered_at) select $1, ` + firstCohort + `, ` + whose + `, now()
		) update cohort set evaluated_at = now() where tenant_id = $1 and cohort_id = ` + firstCohort
}

func knownAs(trait string) string {
	return `update profile set traits = traits || '{"` + trait + `":{n}}' where ` + ofAnn
}

// fieldsOfCohorts are of who belongs together.
var fieldsOfCohorts = []followed{
	{field: "Query.cohorts", watch: `cohorts { nodes { name } }`, change: `update cohort set name = 'Listed {n}' where tenant_id = $1 and uses = '{}'`, want: `"Listed {n}"`},
	{field: "Query.cohort", watch: `cohort(id: "{cohort}") { name }`, change: `update cohort set name = 'One {n}' where tenant_id = $1 and uses = '{}'`, want: `"One {n}"`},
	{field: "CohortCondition.cohort", watch: `cohort(id: "{using}") { condition { cohort { name } } }`, change: `update cohort set name = 'Used {n}' where tenant_id = $1 and uses = '{}'`, want: `"Used {n}"`},
	{field: "Cohort.usedBy", watch: `cohort(id: "{cohort}") { usedBy { name } }`, change: `update cohort set name = 'Using {n}' where tenant_id = $1 and uses <> '{}'`, want: `"Using {n}"`},
	{field: "Cohort.evaluations", watch: `cohort(id: "{cohort}") { evaluations { nodes { size } } }`, change: `update cohort_evaluation set size = 10{n} where tenant_id = $1`, want: `"size":10{n}`},
	{field: "Cohort.members", watch: `cohort(id: "{cohort}") { members { nodes { person { userIds } } } }`, change: enters(anns), want: `["ann"]`},
	{field: "CohortMember.person", watch: `cohort(id: "{cohort}") { members { nodes { person { traits } } } }`, change: knownAs("member"), want: `"member":{n}`},
	{field: "Cohort.changes", watch: `cohort(id: "{cohort}") { changes { nodes { entered person { userIds } } } }`, change: enters(bens), want: `["ben"]`},
	{field: "Person.cohorts", watch: `person(userId: "dan") { cohorts { name } }`,
		change: enters(`(select identity_id from identity where tenant_id = $1 and distinct_id = 'dan')`), want: `"name":`},
	{field: "Metric.breakdown", watch: `metric(key: "events") { breakdown(` + allOfMay + `, by: {kind: COHORT, name: "{cohort}"}) { rows { keys } } }`,
		change: `with l as (delete from cohort_member where tenant_id = $1) update cohort set evaluated_at = now() where tenant_id = $1 and cohort_id = ` + firstCohort, want: `["false"]`},

	{field: "Query.cohortPreview", watch: `cohortPreview(condition: {did: {types: ["Came {n}"]}}) { size }`, change: cameOn("10"), want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {trait: {of: USER_TRAIT, name: "previewed", operator: IS_SET}}) { size }`, change: knownAs("previewed"), want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {trait: {of: ACCOUNT_TRAIT, name: "previewed", operator: IS_SET}}) { size }`,
		change: `update profile set traits = traits || '{"previewed":{n}}' where ` + ofOne, want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {mrr: {operator: AT_LEAST, amount: 100000000}}) { size }`,
		change: `update mrr_movement set currency = 'USD', amount = 200000000 where tenant_id = $1`, want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {plan: ["pro"]}) { size }`,
		change: `with t as (update trial set superseded_at = now() where tenant_id = $1) update mrr_movement set superseded_at = now() where tenant_id = $1`, want: `"size":0`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {health: [HEALTHY]}) { size }`,
		change: `insert into health_score (tenant_id, account_id, score, inputs, changed_at) select $1, ` + ones + `, 1000, '[]', now()`, want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {cohort: "{cohort}"}) { size }`, change: enters(anns), want: `"size":1`},
	{field: "CohortPreview.size", watch: `cohortPreview(condition: {firstSeen: {from: "2026-05-03T00:00:00Z", to: "2026-05-09T00:00:00Z"}}) { size }`,
		change: `update identity set born_at = '2026-05-05T12:00:00Z', day = '2026-05-05' where tenant_id = $1 and distinct_id = 'ben'`, want: `"size":1`},
	{field: "CohortPreview.people", watch: `cohortPreview(condition: {cohort: "{cohort}"}) { people { traits } }`, change: knownAs("shown"), want: `"shown":{n}`},

	{field: "Query.node", watch: `node(id: "{cohort}") { ... on Cohort { name } }`, change: `update cohort set name = 'Node {n}' where tenant_id = $1 and uses = '{}'`, want: `"Node {n}"`},
}

// hasCohorts gives companies a cohort that is found when somebody asks, and one that is made of it.
func hasCohorts(t *testing.T, s story, worlds ...world) {
	hasPeople(t, s, worlds...)
	for _, w := range worlds {
		revenueOf(t, s, w.Tenant)
		first := gather(t, w.Tenant, "STATIC", object{"name": "First", "condition": object{"did": object{"types": []string{"Nothing"}}}})
		second := gather(t, w.Tenant, "STATIC", object{"name": "Second", "condition": object{"cohort": first}})
		gathered(t, s.kit, w.Tenant, first)
		gathered(t, s.kit, w.Tenant, second)
	}
}
