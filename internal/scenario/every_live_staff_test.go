package scenario_test

import "testing"

// Who works here is named {n}; the one whom all of this is told of is the owner.
const thisLogin = `(select m.login_id from member m join role r using (tenant_id, role_id) where m.tenant_id = $1 and r.builtin = 'OWNER')`

// fieldsOfStaff are of a company, of whoever works with it, and of what they keep and share.
var fieldsOfStaff = []followed{
	{field: "Query.tenant", watch: `tenant { name }`, change: `update tenant set name = 'Name {n}' where tenant_id = $1`, want: `"Name {n}"`},
	{field: "Tenant.limits", watch: `tenant { limits { burstSeconds } }`,
		change: `insert into tenant_limit (tenant_id, burst_seconds) values ($1, 1{n})`, want: `"burstSeconds":1{n}`},

	{field: "Query.viewer", watch: `viewer { name email }`, member: true,
		change: `update login set name = 'Owner {n}' where login_id = ` + thisLogin, want: `"Owner {n}"`},
	{field: "Viewer.hasSecondFactor", watch: `viewer { email hasSecondFactor }`, member: true,
		change: `insert into second_factor (login_id, sealed_secret, confirmed_at) values (` + thisLogin + `, 'x', now())`, want: `"hasSecondFactor":true`},
	{field: "Viewer.recoveryCodesLeft", watch: `viewer { recoveryCodesLeft }`, member: true,
		change: `insert into recovery_code (login_id, code_hash) select ` + thisLogin + `, sha256(n::text::bytea) from generate_series(1, {n}) n`, want: `"recoveryCodesLeft":{n}`},
	{field: "Viewer.memberships", watch: `viewer { memberships { tenantName } }`, member: true,
		change: `insert into member (tenant_id, login_id, role_id) select r.tenant_id, ` + thisLogin + `, r.role_id
			from role r join tenant o using (tenant_id) where o.name = 'Elsewhere {n}' and r.builtin = 'VIEWER'`, want: `"Elsewhere {n}"`},
	{field: "Membership.tenantName", watch: `viewer { memberships { tenantName } }`, member: true,
		change: `update tenant set name = 'Elsewhere {n} Ltd' where name = 'Elsewhere {n}' and $1::uuid is not null`, want: `"Elsewhere {n} Ltd"`},
	{field: "Membership.roleName", watch: `viewer { memberships { roleName } }`, member: true,
		change: `with elsewhere as (
				insert into role (tenant_id, name) select tenant_id, 'There {n}' from tenant where name like 'Elsewhere {n}%' returning tenant_id, role_id
			) update member m set role_id = e.role_id from elsewhere e where e.tenant_id = m.tenant_id and m.login_id = ` + thisLogin, want: `"There {n}"`},
	{field: "Viewer.sessions", watch: `viewer { sessions { nodes { userAgent } } }`, member: true,
		change: `insert into session (tenant_id, session_id, login_id, second_factor, expires_at, user_agent)
			select $1, gen_random_uuid(), ` + thisLogin + `, false, now() + interval '1 day', 'Mozilla/{n}'`, want: `"Mozilla/{n}"`},
	{field: "SessionConnection.totalCount", watch: `viewer { sessions { totalCount nodes { userAgent } } }`, member: true,
		change: `insert into session (tenant_id, session_id, login_id, second_factor, expires_at, user_agent)
			select tenant_id, gen_random_uuid(), ` + thisLogin + `, false, now() + interval '1 day', 'elsewhere/{n}' from tenant where name like 'Elsewhere {n}%'`, want: `"elsewhere/{n}"`},

	{field: "Query.members", watch: `members { nodes { email } totalCount }`,
		change: `with l as (insert into login (login_id, email, name) values (gen_random_uuid(), 'newcomer{n}@example.com', 'Newcomer') returning login_id)
			insert into member (tenant_id, login_id, role_id) select $1, login_id, role_id from l, role where tenant_id = $1 and name = 'Guest'`, want: `"newcomer{n}@example.com"`},
	{field: "Member.name", watch: `members { nodes { name } }`, change: `update login set name = 'Colleague {n}' where email = 'newcomer{n}@example.com' and $1::uuid is not null`, want: `"Colleague {n}"`},
	{field: "Member.role", watch: `members { nodes { role { name } } }`, change: `update role set name = 'Guest M{n}' where tenant_id = $1 and builtin is null`, want: `"Guest M{n}"`},
	{field: "Query.roles", watch: `roles { nodes { name } }`, change: `update role set name = 'Guest R{n}' where tenant_id = $1 and builtin is null`, want: `"Guest R{n}"`},
	{field: "Query.invitations", watch: `invitations { nodes { email } totalCount }`,
		change: `insert into invitation (tenant_id, invitation_id, email, role_id, token_hash, expires_at)
			select $1, gen_random_uuid(), 'guest{n}@example.com', role_id, sha256('x'), now() + interval '1 day' from role where tenant_id = $1 and builtin is null`, want: `"guest{n}@example.com"`},
	{field: "Invitation.role", watch: `invitations { nodes { role { name } } }`, change: `update role set name = 'Guest I{n}' where tenant_id = $1 and builtin is null`, want: `"Guest I{n}"`},
	{field: "Query.identityProviders", watch: `identityProviders { nodes { name } totalCount }`,
		change: `insert into identity_provider (tenant_id, provider_id, name, issuer, client_id, sealed_client_secret, allowed_domains, default_role_id)
			select $1, gen_random_uuid(), 'Corp {n}', 'https://corp.example', 'tidemark', 'x', '{corp.example}', role_id from role where tenant_id = $1 and builtin is null`, want: `"Corp {n}"`},
	{field: "IdentityProvider.defaultRole", watch: `identityProviders { nodes { defaultRole { name } } }`,
		change: `update role set name = 'Guest P{n}' where tenant_id = $1 and builtin is null`, want: `"Guest P{n}"`},

	{field: "Query.apiKeys", watch: `apiKeys { nodes { name } }`, change: `update api_key set name = 'Key {n}' where tenant_id = $1 and kind = 'write'`, want: `"Key {n}"`},
	{field: "APIKey.lastUsedFrom", watch: `apiKeys { nodes { lastUsedFrom } }`,
		change: `insert into api_key_use (tenant_id, api_key_id, used_at, network) select tenant_id, api_key_id, now(), '10.0.{n}.0/24' from api_key where tenant_id = $1 and kind = 'write'`, want: `10.0.{n}.0/24`},
	{field: "Query.auditLog", watch: `auditLog(target: {type: "Thing", id: "x"}) { nodes { actor { name } } }`,
		change: `insert into audit_entry (tenant_id, action, actor_kind, actor_name, target_type, target_id) values ($1, 'SIGNED_IN', 'SYSTEM', 'Actor {n}', 'Thing', 'x')`, want: `"Actor {n}"`},
	{field: "Query.trustedDocuments", watch: `trustedDocuments { nodes { name } totalCount }`,
		change: `insert into trusted_document (tenant_id, hash, name, body, created_by) values ($1, sha256('x'), 'Document {n}', 'x', gen_random_uuid())`, want: `"Document {n}"`},
	{field: "Query.archiveParts", watch: `archiveParts { nodes { path } totalCount }`,
		change: `insert into archive_part (tenant_id, month, path, state) values ($1, '2025-01-01', 'part-{n}', 'verified')`, want: `"part-{n}"`},

	{field: "Query.reports", watch: `reports { nodes { name } }`, change: `update report set name = 'Listed {n}' where tenant_id = $1`, want: `"Listed {n}"`},
	{field: "Query.report", watch: `report(id: "{report}") { name }`, change: `update report set name = 'Report {n}' where tenant_id = $1`, want: `"Report {n}"`},
	{field: "Report.result", watch: `report(id: "{report}") { result }`, change: happenedTo(`$1`, `{n}`), want: `"value":{n}`},
	{field: "Query.sharedReports", watch: `sharedReports { nodes { name } }`, change: `update report set name = 'Received {n}' where ` + received, want: `"Received {n}"`},
	{field: "SharedReport.sharedBy", watch: `sharedReports { nodes { sharedBy } }`,
		change: `update tenant set name = 'Giver {n}' where tenant_id in (select tenant_id from report_share where grantee_id = $1)`, want: `"Giver {n}"`, houses: true},
	{field: "Query.sharedReport", watch: `sharedReport(id: "{share}") { name }`, change: `update report set name = 'One received {n}' where ` + received, want: `"One received {n}"`},
	{field: "SharedReport.result", watch: `sharedReport(id: "{share}") { result }`,
		change: happenedTo(`(select tenant_id from report_share where grantee_id = $1)`, `2{n}`), want: `"value":2{n}`},
	{field: "Report.shares", watch: `report(id: "{report}") { shares { rows } }`,
		change: `update report_share set row_conditions = '{"events":[{"property":["region"],"in":["EU{n}"]}]}' where tenant_id = $1`, want: `"EU{n}"`},
	{field: "SharedReport.id", watch: `sharedReports { nodes { id name } }`, change: `update report_share set ended_at = now() where grantee_id = $1`, want: `"nodes":[]`},

	{field: "Query.node", watch: `node(id: "{report}") { ... on Report { name } }`, change: `update report set name = 'Report N{n}' where tenant_id = $1`, want: `"Report N{n}"`},
	{field: "Query.node", watch: `node(id: "{role}") { ... on Role { name } }`, change: `update role set name = 'Role N{n}' where tenant_id = $1 and builtin is null`, want: `"Role N{n}"`},
	{field: "Query.node", watch: `node(id: "{member}") { ... on Member { name role { name } } }`,
		change: `update login set name = 'Member N{n}' where login_id = ` + thisLogin, want: `"Member N{n}"`},
	{field: "Query.node", watch: `node(id: "{member}") { ... on Member { role { name } } }`, change: `update role set name = 'Owning {n}' where tenant_id = $1 and builtin = 'OWNER'`, want: `"Owning {n}"`},
	{field: "Query.node", watch: `node(id: "{invitation}") { ... on Invitation { role { name } } }`, change: `update role set name = 'Invited {n}' where tenant_id = $1 and builtin is null`, want: `"Invited {n}"`},
	{field: "Query.node", watch: `node(id: "{provider}") { ... on IdentityProvider { name } }`, change: `update identity_provider set name = 'Provider N{n}' where tenant_id = $1`, want: `"Provider N{n}"`},
	{field: "Query.node", watch: `node(id: "{key}") { ... on APIKey { name } }`, change: `update api_key set name = 'Key N{n}' where tenant_id = $1 and kind = 'write'`, want: `"Key N{n}"`},
	{field: "Query.node", watch: `node(id: "{part}") { ... on ArchivePart { path } }`, change: `update archive_part set path = 'part-N{n}' where tenant_id = $1`, want: `"part-N{n}"`},
	{field: "Query.node", watch: `node(id: "{document}") { ... on TrustedDocument { name } }`, change: `update trusted_document set name = 'Document N{n}' where tenant_id = $1`, want: `"Document N{n}"`},
	{field: "Query.node", watch: `node(id: "{tenant}") { ... on Tenant { name } }`, change: `update tenant set name = 'Name N{n}' where tenant_id = $1`, want: `"Name N{n}"`},

	// The last, since whoever has signed in here has no second factor.
	{field: "Query.secondFactorRequired", watch: `tenant { currency } secondFactorRequired`,
		change: `update tenant set currency = 'EU' || 'R', second_factor = not second_factor where tenant_id = $1`, want: `"secondFactorRequired":true`},
}

// received are the reports that others share with the company.
const received = `report_id in (select report_id from report_share where grantee_id = $1)`

// happenedTo says how many events of a kind a company had at noon.
func happenedTo(company, count string) string {
	return `insert into event_rollup (tenant_id, at, type, day, count) select ` + company + `, '` + noon + `', 'E', '2026-05-01', ` + count + `
		on conflict (tenant_id, at, type) do update set count = excluded.count`
}

// hasStaff gives companies somebody else to work with, and has each share a report with the other.
func hasStaff(t *testing.T, s story, worlds ...world) {
	for i, w := range worlds {
		s.kit.Tenant(t, "Elsewhere "+w.number, "UTC")
		s.kit.Exec(t, `insert into role (tenant_id, name, permissions) values ($1, 'Guest', '{READ_METRICS}')`, w.ID)
		give(t, w.Tenant, keep(t, w.Tenant, "Noon").ID, worlds[1-i].Tenant, nil)
	}
}
