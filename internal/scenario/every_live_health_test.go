package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// previewOfTickets is a preview by open tickets and by what is overdue.
const previewOfTickets = `healthPreview(inputs: [{key: "open", name: "Open", kind: OPEN_TICKETS, worst: 10, best: 0}]) { inputs { withValue median } }`

// fieldsOfHealth are of how well accounts do.
var fieldsOfHealth = []followed{
	{field: "Query.healthModel", watch: `healthModel { inputs { name } }`, change: `update health_model set inputs = replace(inputs::text, 'Use of the app', 'Use {n}')::jsonb where tenant_id = $1`, want: `"Use {n}"`},
	{field: "HealthModel.calculation", watch: `healthModel { calculation { accounts } }`, change: `update health_model set accounts = 10{n} where tenant_id = $1`, want: `"accounts":10{n}`},
	{field: "Query.healthChanges", watch: `healthChanges { nodes { score } }`,
		change: `insert into health_change (tenant_id, account_id, at, band, score, cause) select $1, ` + ones + `, now(), 'HEALTHY', 9{n}5, 'DATA'`, want: `"score":9{n}.5`},
	{field: "HealthChange.account", watch: `healthChanges(first: 1) { nodes { account { traits } } }`, change: seated, want: `"seats":{n}`},
	{field: "HealthEntry.bandChange", watch: `account(groupId: "g1") { timeline(filter: {kinds: [HEALTH]}) { nodes { ... on HealthEntry { bandChange { score } } } } }`,
		change: `update health_change set score = 8{n}5 where tenant_id = $1`, want: `"score":8{n}.5`},
	{field: "Account.health", watch: `account(groupId: "g1") { health { score } }`, change: `update health_score set score = 7{n}5 where tenant_id = $1`, want: `"score":7{n}.5`},
	{field: "HealthScore.override", watch: `account(groupId: "g1") { health { override { reason } } }`, change: `update health_override set reason = 'Reason {n}' where tenant_id = $1`, want: `"Reason {n}"`},
	{field: "HealthOverride.setBy", watch: `account(groupId: "g1") { health { override { setBy { name } } } }`,
		change: `update login set name = 'Set by {n}' where login_id = ` + thisLogin, want: `"Set by {n}"`},
	{field: "HealthScore.trend", watch: `account(groupId: "g1") { health { trend(days: 2) { scores } } }`,
		change: `insert into health_day as h (tenant_id, account_id, day, score) select $1, ` + ones + `, now()::date - 1, 6{n}5 on conflict (tenant_id, account_id, day) do update set score = excluded.score`, want: `6{n}.5`},
	{field: "Query.accounts", watch: `accounts(orderBy: HEALTH, first: 1) { nodes { groupId } }`,
		change: `insert into health_score as h (tenant_id, account_id, score, inputs, changed_at) select $1, ` + ones + `, 1000, '[]', now()
			on conflict (tenant_id, account_id) do update set score = excluded.score`, want: `"g1"`},
	{field: "Query.healthPreview", watch: previewOfTickets, change: strings.Replace(ticketOf("h", "account_id", "account_id")+` from account where tenant_id = $1`, "'psql', 'h'", "'psql', 'h' || account_id", 1), want: `"median":1`},
	{field: "HealthPreview.accounts", watch: `healthPreview(inputs: [{key: "seats", name: "Seats", kind: TRAIT, trait: "seats", worst: 0, best: 100}]) { accounts inputs { median } }`,
		change: `update profile set traits = traits || '{"seats":1{n}}' where ` + ofOne, want: `"median":1{n}`},
	{field: "HealthPreview.before", watch: `healthPreview(inputs: [{key: "seats", name: "Seats", kind: TRAIT, trait: "seats", worst: 0, best: 100}]) { moved { before } before }`,
		change: `update health_score set calculated = 3{n}5, score = 3{n}5 where tenant_id = $1`, want: `3{n}.5`},
	{field: "HealthPreviewInput.upperQuartile", watch: `healthPreview(inputs: [{key: "use", name: "Use", kind: EVENTS, worst: 0, best: 10, days: 7}]) { inputs { upperQuartile } }`,
		change: withDay + `delete from event where tenant_id = $1`, want: `"upperQuartile":0`},
	{field: "Query.node", watch: `node(id: "{healthChange}") { ... on HealthChange { score } }`, change: `update health_change set score = 2{n}5 where tenant_id = $1`, want: `"score":2{n}.5`},
}

// hasHealth gives companies two accounts, and scores that nobody calculates any more.
func hasHealth(t *testing.T, s story, worlds ...world) {
	for _, w := range worlds {
		tellOf(t, s, w.Tenant, said("g1", "group", `"userId":"ann","groupId":"g1","traits":{"seats":1}`), said("g2", "group", `"userId":"cal","groupId":"g2"`))
		w.Batch(t, fmt.Sprintf(`{"type":"track","event":"E","userId":"ann","context":{"groupId":"g1"},"timestamp":%q}`, time.Now().Add(-30*time.Hour).UTC().Format(time.RFC3339)))
		setModel(t, w.Tenant, useOfApp)
		soon(t, "a calculation", func() bool { // after which nothing is calculated any more
			var done bool
			s.kit.Scan(t, `with u as (update health_model set due_at = 'infinity', moves_at = null where tenant_id = $1 and state = 'DONE' returning 1)
				select count(*) > 0 from u`, []any{w.ID}, &done)
			return done
		})
		expires := time.Now().AddDate(0, 0, 1).UTC()
		s.kit.Exec(t, `insert into health_override (tenant_id, override_id, account_id, score, reason, set_by, expires_at)
			select $1, gen_random_uuid(), `+ones+`, 500, 'x', `+thisLogin+`, $2`, w.ID, expires)
	}
}
