package scenario_test

import "testing"

// Where ann, ben and their accounts stand.
const (
	anns   = `(select identity_id from identity where tenant_id = $1 and distinct_id = 'ann')`
	bens   = `(select identity_id from identity where tenant_id = $1 and distinct_id like 'ben%')`
	ones   = `(select account_id from account where tenant_id = $1 and group_id like 'g1%')`
	twos   = `(select account_id from account where tenant_id = $1 and group_id like 'g2%')`
	ofAnn  = `tenant_id = $1 and subject = 'person' and subject_id = ` + anns
	ofOne  = `tenant_id = $1 and subject = 'account' and subject_id = ` + ones
	seenOn = `insert into presence (tenant_id, day, identity_id, person_id, slots)
		select tenant_id, '2026-05-1{n}', identity_id, person_id, set_bit(0::bit(128), 50, 1) from identity where tenant_id = $1 and distinct_id = 'ann'`
)

// saidOf is a trait that was said: a line of its history, and the profile that it is of.
func saidOf(subject, of, trait string) string {
	return `with said as (
			insert into trait_change (tenant_id, subject, subject_id, said_at, name, message_key, value)
			select $1, '` + subject + `', ` + of + `, now(), '` + trait + `', gen_random_uuid(), '"{n}"'
		) update profile set updated_at = now() where tenant_id = $1 and subject = '` + subject + `' and subject_id = ` + of
}

// fieldsOfPeople are of who people and accounts are, and what is known of them.
var fieldsOfPeople = []followed{
	{field: "Query.person", watch: `person(userId: "ann") { traits }`, change: `update profile set traits = traits || '{"plan":"P{n}"}' where ` + ofAnn, want: `"plan":"P{n}"`},
	{field: "Person.name", watch: `person(userId: "ann") { name }`, change: `update profile set traits = traits || '{"name":"Ann {n}"}' where ` + ofAnn, want: `"name":"Ann {n}"`},
	{field: "Person.identities", watch: `person(userId: "ann") { identities { nodes { detached } } }`, change: `update identity set detached = true where tenant_id = $1 and distinct_id = 'phone'`, want: `"detached":true`},
	{field: "Person.userIds", watch: `person(userId: "ann") { userIds }`, change: `update identity set distinct_id = 'phone{n}', anonymous = false where tenant_id = $1 and distinct_id = 'phone'`, want: `"phone{n}"`},
	{field: "Person.traitHistory", watch: `person(userId: "ann") { traitHistory { nodes { name } } }`, change: saidOf("person", anns, "trait{n}"), want: `"trait{n}"`},
	{field: "Person.accounts", watch: `person(userId: "ann") { accounts { nodes { groupId } } }`,
		change: `insert into membership (tenant_id, account_id, identity_id, first_at, last_day) select $1, ` + twos + `, ` + anns + `, now(), '2026-05-01'`, want: `"g2"`},
	{field: "Account.groupId", watch: `person(userId: "ann") { accounts { nodes { groupId } } }`, change: `update account set group_id = 'g2-{n}' where tenant_id = $1 and group_id = 'g2'`, want: `"g2-{n}"`},
	{field: "Person.lastSeenAt", watch: `person(userId: "ann") { lastSeenAt }`, change: seenOn, want: `"lastSeenAt":"2026-05-1{n}`},
	{field: "Query.people", watch: `people { nodes { name } }`, change: `update profile set traits = traits || '{"name":"Anna {n}"}' where ` + ofAnn, want: `"name":"Anna {n}"`},
	{field: "Query.people", watch: `people(search: "Zoe {n}") { totalCount }`, change: `update profile set traits = traits || '{"name":"Zoe {n}"}' where ` + ofAnn, want: `"totalCount":1`},
	{field: "Query.people", watch: `people(orderBy: LAST_SEEN, first: 1) { nodes { userIds } }`,
		change: `insert into presence (tenant_id, day, identity_id, person_id, slots)
			select tenant_id, '2026-06-10', identity_id, person_id, set_bit(0::bit(128), 50, 1) from identity where tenant_id = $1 and distinct_id = 'ben'`, want: `"ben"`},

	{field: "Query.account", watch: `account(groupId: "g1") { traits }`, change: `update profile set traits = traits || '{"seats":{n}}' where ` + ofOne, want: `"seats":{n}`},
	{field: "Account.name", watch: `account(groupId: "g1") { name }`, change: `update profile set traits = traits || '{"name":"One {n}"}' where ` + ofOne, want: `"name":"One {n}"`},
	{field: "Account.traitHistory", watch: `account(groupId: "g1") { traitHistory { nodes { name } } }`, change: saidOf("account", ones, "trait{n}"), want: `"trait{n}"`},
	{field: "Account.members", watch: `account(groupId: "g1") { members { nodes { userIds } } }`,
		change: `insert into membership (tenant_id, account_id, identity_id, first_at, last_day) select $1, ` + ones + `, ` + bens + `, now(), '2026-05-01'`, want: `["ben"]`},
	{field: "Account.members", watch: `account(groupId: "g1") { members { nodes { name } } }`, change: `update profile set traits = traits || '{"name":"Member {n}"}' where ` + ofAnn, want: `"Member {n}"`},
	{field: "Account.lastSeenAt", watch: `account(groupId: "g1") { lastSeenAt }`,
		change: cameOn("20"), want: `"2026-05-20`},
	{field: "Query.accounts", watch: `accounts { nodes { name } }`, change: `update profile set traits = traits || '{"name":"Uno {n}"}' where ` + ofOne, want: `"name":"Uno {n}"`},
	{field: "Query.accounts", watch: `accounts(search: "Due {n}") { totalCount }`, change: `update profile set traits = traits || '{"name":"Due {n}"}' where ` + ofOne, want: `"totalCount":1`},

	{field: "Query.personMerges", watch: `personMerges { nodes { reason } }`, change: `update person_merge set reason = 'Reason {n}' where tenant_id = $1`, want: `"Reason {n}"`},
	{field: "PersonMerge.from", watch: `personMerges { nodes { from { detached } } }`,
		change: `update identity set detached = true where tenant_id = $1 and distinct_id = 'cal'`, want: `"detached":true`},

	{field: "Query.node", watch: `node(id: "{ann}") { ... on Person { traits } }`, change: `update profile set traits = traits || '{"plan":"N{n}"}' where ` + ofAnn, want: `"plan":"N{n}"`},
	{field: "Query.node", watch: `node(id: "{account}") { ... on Account { traits } }`, change: `update profile set traits = traits || '{"seats":1{n}}' where ` + ofOne, want: `"seats":1{n}`},
	{field: "Query.node", watch: `node(id: "{identity}") { ... on Identity { person { userIds } } }`,
		change: `update identity set person_id = ` + bens + `, born_at = null, day = null where tenant_id = $1 and distinct_id = 'dan'`, want: `"ben"`},
	{field: "Query.node", watch: `node(id: "{merge}") { ... on PersonMerge { reason } }`, change: `update person_merge set reason = 'Reason N{n}' where tenant_id = $1`, want: `"Reason N{n}"`},
	{field: "Query.node", watch: `node(id: "{erasure}") { ... on Erasure { reason } }`, change: `update erasure set reason = 'Asked {n}' where tenant_id = $1`, want: `"Asked {n}"`},
}

// happenedAt is an event of ann's on behalf of g1 on a day of May, as psql would say it: with what
// is counted of it.
func happenedAt(day string) string {
	return `insert into event (tenant_id, occurred_at, type, identity_id, user_id, group_type, group_id, source, message_id, properties, context)
		select tenant_id, '2026-05-` + day + `T12:00:00Z', 'Came {n}', identity_id, 'ann', 'account', (select group_id from account where account_id = ` + ones + ` and tenant_id = $1),
			'psql', 'psql-` + day + `', '{"region":"R{n}"}', '{}'
		from identity where tenant_id = $1 and distinct_id = 'ann'
	), r as (
		insert into event_rollup (tenant_id, at, type, day, count) values ($1, '2026-05-` + day + `T12:00:00Z', 'Came {n}', '2026-05-` + day + `', 1)
	), q as (
		insert into presence (tenant_id, day, identity_id, person_id, slots)
		select tenant_id, '2026-05-` + day + `', identity_id, person_id, set_bit(set_bit(0::bit(128), 56, 1), 32, 1) -- at noon in either zone
		from identity where tenant_id = $1 and distinct_id = 'ann'
		on conflict do nothing
	), m as (
		update membership set last_day = greatest(last_day, '2026-05-` + day + `') where tenant_id = $1 and identity_id = ` + anns
}

// hasPeople gives companies people and accounts, and something to be known of them.
func hasPeople(t *testing.T, s story, worlds ...world) {
	for _, w := range worlds {
		tellOf(t, s, w.Tenant,
			said("i1", "identify", `"userId":"ann","anonymousId":"phone","traits":{"plan":"free"}`), said("i2", "identify", `"userId":"ben","traits":{"plan":"free"}`),
			said("i3", "identify", `"userId":"cal"`), said("i4", "identify", `"userId":"dan"`), said("i5", "identify", `"userId":"eve"`),
			said("g1", "group", `"userId":"ann","groupId":"g1","traits":{"name":"One"}`), said("g2", "group", `"userId":"cal","groupId":"g2"`),
			event("e1", "E", "ann", noon), event("e2", "E", "ben", noon), event("e3", "E", "cal", noon), event("e4", "E", "dan", noon))
		merge(t, w.Tenant, "cal", "dan")
		erase(t, w.Tenant, "eve")
		soon(t, "an erasure", func() bool { // so that nothing is taken away any more
			var done bool
			s.kit.Scan(t, `select bool_and(database_done_at is not null) from erasure where tenant_id = $1`, []any{w.ID}, &done)
			return done
		})
	}
}
