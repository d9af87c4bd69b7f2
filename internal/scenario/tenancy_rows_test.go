package scenario_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// app connects as the role that serves tenants.
func app(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn := owner(t, url)
	apply(t, conn, "set role tidemark_app")
	return conn
}

func apply(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func number(t *testing.T, conn *pgx.Conn, query string, args ...any) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// lived gives both companies a row in every table and view.
func (s story) lived(t *testing.T) {
	t.Helper()
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		wantVerdicts(t, who.Batch(t, event("m1", "E", "u1", noon), event("m2", "F", "u2", noon)), "ACCEPTED", "ACCEPTED")
		savePlan(t, who, `{events: [{type: "E", onViolation: QUARANTINE, properties: [{name: "p", required: true}]}]}`)
		wantVerdicts(t, who.Batch(t, with("m3", "E", `{"p":1}`), event("m4", "E", "u1", noon)), "ACCEPTED", "QUARANTINED")
		who.Manage(t, `mutation { forgetPropertySamples }`, nil, &struct{}{})
		who.Manage(t, `mutation { setLimits(limits: {burstSeconds: 29}) { id } }`, nil, &struct{}{})
		s.kit.Exec(t, `insert into archive_part (tenant_id, month, path, state) values ($1, '2026-01-01', 'nowhere', 'restored')`, who.ID)
		tellOf(t, s, who, said("m5", "identify", `"userId":"u1","anonymousId":"phone","traits":{"plan":"pro"}`), said("m6", "group", `"userId":"u1","groupId":"g1","traits":{"seats":3}`),
			event("m7", "F", "u3", noon))
		noteOn(t, who, user(t, who, "u1").ID, "hello")
		who.Manage(t, setOwnerIt, map[string]any{"of": user(t, who, "u1").ID}, &struct{}{})
		define(t, who, "own", counting("E"))
		gather(t, who, "DYNAMIC", object{"name": "All", "condition": object{"did": object{}}})
		s.kit.Exec(t, `insert into cohort_member (tenant_id, cohort_id, identity_id, entered_at) select tenant_id, cohort_id, 1, now() from cohort where tenant_id = $1`, who.ID)
		setModel(t, who, useOfApp)
		g1 := accountID(t, who, "g1")
		who.Manage(t, overrideIt, object{"account": g1, "score": 50, "reason": "x", "expiresAt": time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)}, &struct{}{})
		merge(t, who, "u2", "u1")
		erase(t, who, "u3")
		wantEqual(t, "registered", register(t, who, `{ tenant { name } }`)[0].Status, "REGISTERED")
		revenueOf(t, s, who)
		recordTickets(t, s, who, openTicket)
		once(t, s.kit, who.ManageKey, "k1", `mutation { forgetPropertySamples }`)
		s.kit.Exec(t, `insert into api_key_use (tenant_id, api_key_id, used_at) select tenant_id, api_key_id, now() from api_key where tenant_id = $1 on conflict do nothing`, who.ID)
		s.kit.Exec(t, `insert into api_key_misuse (tenant_id, api_key_id, reason) select tenant_id, api_key_id, 'REVOKED' from api_key where tenant_id = $1`, who.ID)
	}
	give(t, s.acme, keep(t, s.acme, "Noon").ID, s.globex, nil)
	give(t, s.globex, keep(t, s.globex, "Noon").ID, s.acme, nil)
	materialize(t, s.kit)
	s.openQuarters(t)
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		summarize(t, s.kit, who, "2026-05-03T12:00:00Z")
	}
	s.kit.Exec(t, `with login as (
		insert into login (login_id, email, name) select tenant_id, tenant_id || '@example.com', 'Ann' from tenant returning login_id
	) insert into member (tenant_id, login_id, role_id) select tenant_id, login_id, role_id from login join role on tenant_id = login_id where builtin = 'OWNER'`)
	// Where events go through a log; the stories of that are told elsewhere.
	s.kit.Exec(t, `insert into ingest_offset (tenant_id, topic, topic_id, partition, next_offset) select tenant_id, 't', gen_random_uuid(), 0, 1 from tenant`)
	s.signInAll(t)
	conn := owner(t, s.kit.DB)
	for _, table := range tenantTables(t, conn) {
		from := table
		if table == "closed_day" || table == "closed_day_type" { // what the views read
			from = "materialized.day_" + map[string]string{"closed_day": "total", "closed_day_type": "type"}[table]
		}
		if table == "closed_quarter" {
			from = "materialized.mrr_opening"
		}
		if n := number(t, conn, "select count(distinct tenant_id) from "+from); n != 2 {
			t.Fatalf("%s has rows of %d companies, want 2: the story has to fill it", table, n)
		}
	}
}

// signInAll gives every tenant a row of what belongs to signing in; its stories are told
// elsewhere.
func (s story) signInAll(t *testing.T) {
	t.Helper()
	for _, statement := range []string{
		`insert into session (tenant_id, session_id, login_id, second_factor, expires_at) select tenant_id, tenant_id, tenant_id, false, now() + interval '1 day' from tenant`,
		`insert into refresh_token (tenant_id, token_hash, session_id, expires_at) select tenant_id, sha256('x'), tenant_id, now() from tenant`,
		`insert into invitation (tenant_id, invitation_id, email, role_id, token_hash, expires_at)
			select tenant_id, tenant_id, 'new@example.com', role_id, sha256('x'), now() from role where builtin = 'VIEWER'`,
		`insert into identity_provider (tenant_id, provider_id, name, issuer, client_id, sealed_client_secret, allowed_domains)
			select tenant_id, tenant_id, 'Corp', 'https://corp.example', 'tidemark', 'x', '{corp.example}' from tenant`,
		`insert into provider_identity (tenant_id, provider_id, subject, login_id) select tenant_id, tenant_id, 'x', tenant_id from tenant`,
		`insert into sign_in_code (tenant_id, code_hash, login_id, provider_id, challenge, expires_at) select tenant_id, sha256('x'), tenant_id, tenant_id, sha256('x'), now() from tenant`,
		`insert into audit_entry (tenant_id, action, actor_kind, target_type, target_id) select tenant_id, 'SIGNED_IN', 'SYSTEM', 'x', '' from tenant`,
	} {
		s.kit.Exec(t, statement)
	}
}

// reader connects as the role that reads a table for one tenant: the one that serves tenants,
// or the one that signs people in.
func reader(t *testing.T, s story, table string) *pgx.Conn {
	t.Helper()
	conn := owner(t, s.kit.DB)
	role := "tidemark_app"
	if number(t, conn, "select has_table_privilege('tidemark_app', $1, 'select')::int", table) == 0 {
		role = "tidemark_access"
	}
	apply(t, conn, "set role "+role)
	return conn
}

// A forgotten where, and even a forgotten tenant, returns nothing of somebody else's.
func TestARowIsItsTenantsAlone(t *testing.T) {
	s := begin(t)
	s.lived(t)
	for _, table := range tenantTables(t, owner(t, s.kit.DB)) {
		t.Run(table, func(t *testing.T) {
			conn := reader(t, s, table)
			wantRows := func(when string, want bool, others tenant.ID) {
				t.Helper()
				if n := number(t, conn, "select count(*) from "+table); (n > 0) != want {
					t.Errorf("%s: %d rows", when, n)
				}
				if n := number(t, conn, "select count(*) from "+table+" where tenant_id = $1", others); n > 0 {
					t.Errorf("%s: %d rows of another's", when, n)
				}
			}
			wantRows("without a tenant", false, s.globex.ID)
			apply(t, conn, "begin")
			apply(t, conn, "set local app.tenant_id = '"+s.acme.ID.String()+"'")
			wantRows("as Acme", true, s.globex.ID)
			apply(t, conn, "commit")
			wantRows("after the transaction", false, s.acme.ID)
			apply(t, conn, "begin")
			apply(t, conn, "set local app.tenant_id = '"+tenant.None.String()+"'")
			wantRows("as nobody", false, s.acme.ID)
			apply(t, conn, "rollback")
		})
	}
}

// Nobody writes into another company, by an insert or by moving a row there.
func TestNobodyWritesIntoAnother(t *testing.T) {
	s := begin(t)
	s.lived(t)
	conn := app(t, s.kit.DB)
	for name, statement := range map[string]string{
		"a message":        `insert into message (tenant_id, message_key, fingerprint) values ('%s', gen_random_uuid(), 1)`,
		"a limit":          `insert into tenant_limit (tenant_id, burst_seconds) values ('%s', 1)`,
		"an event":         `insert into event (tenant_id, occurred_at, type, source, message_id, properties, context) values ('%s', '2026-05-01', 'E', 's', 'm', '{}', '{}')`,
		"a person":         `insert into identity (tenant_id, identity_id, person_id, anonymous, distinct_id) values ('%s', 1, 1, false, 'x')`,
		"a presence":       `insert into presence (tenant_id, day, identity_id, person_id, slots) values ('%s', '2026-05-01', 1, 1, 0::bit(128))`,
		"a rollup":         `insert into event_rollup (tenant_id, at, type, day, count) values ('%s', '2026-05-01', 'X', '2026-05-01', 1)`,
		"an event type":    `insert into event_type (tenant_id, name, first_seen_at, last_seen_at, volume) values ('%s', 'X', now(), now(), 1)`,
		"a property":       `insert into event_property (tenant_id, type, name, kind, first_seen_at, last_seen_at, volume) values ('%s', 'X', 'p', 'STRING', now(), now(), 1)`,
		"a plan":           `insert into tracking_plan (tenant_id, version, plan, saved_by) values ('%s', 9, '{}', gen_random_uuid())`,
		"a violation":      `insert into plan_violation (tenant_id, type, property, rule, volume, message_id) values ('%s', 'X', 'p', 'R', 1, 'm')`,
		"a held event":     `update quarantined_event set tenant_id = '%s'`,
		"a change":         `insert into schema_change (tenant_id, change, type, message_id, occurred_at) values ('%s', 'NEW_EVENT_TYPE', 'X', 'm', now())`,
		"a rollup, moved":  `update event_rollup set tenant_id = '%s'`,
		"a part":           `insert into archive_part (tenant_id, month, path) values ('%s', '2026-05-01', 'x')`,
		"an erasure":       `insert into erasure (tenant_id, erasure_id, identity_ids) values ('%s', gen_random_uuid(), '{1}')`,
		"a day's version":  `insert into day_version (tenant_id, day, version) values ('%s', '2026-05-09', 1)`,
		"a person, moved":  `update identity set tenant_id = '%s'`,
		"an offset":        `insert into ingest_offset (tenant_id, topic, topic_id, partition, next_offset) values ('%s', 't', gen_random_uuid(), 1, 1)`,
		"an offset, moved": `update ingest_offset set tenant_id = '%s'`,
		"a profile":        `insert into profile (tenant_id, subject, subject_id, updated_at) values ('%s', 'person', 1, now())`,
		"a trait":          `insert into trait_change (tenant_id, subject, subject_id, said_at, name, message_key, value) values ('%s', 'person', 1, now(), 'x', gen_random_uuid(), '1')`,
		"an account":       `insert into account (tenant_id, group_type, group_id, first_seen_at) values ('%s', 'x', 'x', now())`,
		"a word":           `insert into customer_word (tenant_id, subject, subject_id, kind, spelling) values ('%s', 'person', 1, 'NAME', 'x')`,
		"a note":           `insert into customer_note (tenant_id, note_id, subject, subject_id, body, created_by) values ('%s', gen_random_uuid(), 'person', 1, 'x', gen_random_uuid())`,
		"an owner":         `insert into customer_owner (tenant_id, subject, subject_id, set_by) values ('%s', 'person', 1, gen_random_uuid())`,
		"a health model":   `insert into health_model (tenant_id, inputs, changed_by) values ('%s', '[]', gen_random_uuid())`,
		"a score":          `insert into health_score (tenant_id, account_id, inputs, changed_at) values ('%s', 9, '[]', now())`,
		"a day's score":    `insert into health_day (tenant_id, account_id, day, score) values ('%s', 9, '2026-05-01', 1)`,
		"a change of band": `insert into health_change (tenant_id, account_id, at, band, cause) values ('%s', 9, now(), 'HEALTHY', 'DATA')`,
		"an override":      `insert into health_override (tenant_id, override_id, account_id, score, reason, set_by, expires_at) values ('%s', gen_random_uuid(), 9, 1, 'x', gen_random_uuid(), now() + interval '1 day')`,
		"a membership":     `insert into membership (tenant_id, account_id, identity_id, first_at, last_day) values ('%s', 1, 1, now(), now())`,
		"a price":          `insert into plan (tenant_id, key, name, amount, currency, billing_interval, interval_count) values ('%s', 'x', 'x', 1, 'EUR', 'MONTH', 1)`,
		"a ticket":         `insert into ticket (tenant_id, source, external_id, account_id, status, opened_at, updated_at, fingerprint) values ('%s', 'x', 'x', 1, 'OPEN', now(), now(), 1)`,
		"a ticket, moved":  `update ticket set tenant_id = '%s'`,
		"a fact":           `insert into revenue_fact (tenant_id, source, kind, external_id, occurred_at, fingerprint, subject_id, account_id, body) values ('%s', 'x', 'CHARGE', 'x', now(), 1, 1, 1, '{}')`,
		"a payment, moved": `update payment set tenant_id = '%s'`,
		"a subscription":   `update subscription set tenant_id = '%s'`,
		"an invoice":       `update invoice set tenant_id = '%s'`,
		"a rate":           `insert into fx_rate (tenant_id, base, currency, day, rate) values ('%s', 'EUR', 'USD', '2026-01-01', 1)`,
		"a movement":       `insert into mrr_movement (tenant_id, movement_id, subscription_id, plan_id, account_id, at, day, kind, currency, amount, shown_at) values ('%s', 1, 1, 1, 1, now(), now(), 'NEW', 'EUR', 1, now())`,
		"a trial":          `insert into trial (tenant_id, account_id, subscription_id, plan_id, currency, started_at, converted) values ('%s', 1, 1, 1, 'EUR', now(), true)`,
		"a revenue day":    `insert into revenue_day (tenant_id, day, version) values ('%s', '2026-01-09', 1)`,
		"a billing day":    `insert into billing_day (tenant_id, day, version) values ('%s', '2026-01-09', 1)`,
		"a report":         `insert into report (tenant_id, report_id, name, document, saved_by) values ('%s', gen_random_uuid(), 'x', '', gen_random_uuid())`,
		"a share":          `insert into report_share (tenant_id, share_id, report_id, grantee_id, shared_by) select '%s', gen_random_uuid(), report_id, current_tenant(), gen_random_uuid() from report`,
		"a merge":          `insert into person_merge (tenant_id, merge_id, from_id, into_id, reason, made_by) values ('%s', gen_random_uuid(), 1, 2, 'x', gen_random_uuid())`,
		"a document":       `insert into trusted_document (tenant_id, hash, name, body, created_by) values ('%s', sha256('x'), '', 'x', gen_random_uuid())`,
		"a key, moved":     `update idempotency_key set tenant_id = '%s'`,
		"a key":            `insert into idempotency_key (tenant_id, slot, fingerprint, claim_id, leased_until) values ('%s', gen_random_uuid(), sha256('x'), gen_random_uuid(), now())`,
		"a summary": `insert into summary (tenant_id, summary_id, metric, period, period_start, starts_at, ends_at, zone, version, unit, definition_version, exact, data_version, found_at)
			values ('%s', gen_random_uuid(), 'x', 'DAY', '2026-05-01', now(), now(), 'UTC', 1, 'EVENTS', 1, true, 1, now())`,
		"a correction": `insert into identity_correction (tenant_id, correction_id, kind, identity_ids, reason, made_by) values ('%s', gen_random_uuid(), 'MERGE', '{}', 'x', gen_random_uuid())`,
	} {
		apply(t, conn, "begin")
		apply(t, conn, "set local app.tenant_id = '"+s.acme.ID.String()+"'")
		_, err := conn.Exec(t.Context(), fmt.Sprintf(statement, s.globex.ID))
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "42501" { // insufficient_privilege
			t.Errorf("%s: %v, want a violation of row security", name, err)
		}
		apply(t, conn, "rollback")
	}
	if n := number(t, owner(t, s.kit.DB), "select count(*) from event_rollup where tenant_id = $1", s.globex.ID); n != 4 {
		t.Errorf("Globex has %d rollups, want its own 4", n)
	}
}

// What the app was not given, it cannot take.
func TestTheAppCannotHelpItself(t *testing.T) {
	s := begin(t)
	s.lived(t)
	conn := app(t, s.kit.DB)
	month := rows(t, owner(t, s.kit.DB), `select min(relname)::text from pg_class where relispartition and relkind = 'r'`)[0]
	for _, statement := range []string{
		`select * from materialized.mrr_opening`, `delete from revenue_fact`, `update revenue_fact set body = '{}'`, `update mrr_movement set amount = 1`, `update plan set amount = 1`,
		`select * from materialized.day_total`, `select * from materialized.day_type`,
		`select * from ` + month, `insert into goose_db_version (version_id, is_applied) values (99, true)`,
		`delete from event`, `truncate event`, `update event set type = 'x'`, `delete from message`,
		`insert into tenant (tenant_id, name, zone) values (gen_random_uuid(), 'x', 'UTC')`,
		`update tenant set suspended_at = null`, `update api_key set revoked_at = null`,
		`alter table event disable row level security`, `drop policy one_tenant on event`,
		`update archive_part set state = 'dropped'`, `update erasure set archive_done_at = now()`, `select event_partition_drop('2020-01-01')`,
		`delete from identity`, `delete from presence`, `delete from profile`, `delete from person_merge`, `update person_merge set reason = 'x'`,
		`update identity_correction set reason = 'x'`, `delete from identity_correction`, `delete from trait_change`, `update trait_change set value = '1'`,
		`delete from customer_word`, `delete from customer_note`, `update customer_note set subject_id = 1`, `delete from customer_owner`, `delete from ticket`,
		`delete from health_score`, `delete from health_change`, `update health_change set cause = 'DATA'`, `update health_override set score = 1`, `delete from health_override`,
		`delete from health_model`, `delete from health_day`,
		`delete from trusted_document`, `update trusted_document set body = 'x'`, `delete from idempotency_key`,
		`insert into activity_day (day, version, daily, weekly, monthly, returning_users) values ('2026-05-01', 1, 1, 1, 1, 1)`,
		`update visit_day set visits = 0`, `delete from visit_slot`,
		`update erasure set events_erased = 0`, `delete from erasure`, `delete from tenant_limit`, `insert into event_incoming (type) values ('x')`,
		`update summary set value = 1`, `delete from summary`, `update summarized set data_version = 1`, `delete from summary_look`, `select stale_days from view_refresh`,
		`insert into view_refresh (view, reason, stale_days) values ('x', 'NEEDED', 0)`, `select * from river.river_job`,
		`create table mine (id int)`, `select event_partition_ensure('1999-01-01')`, `select event_partition_ensure('2200-01-01')`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s: it was done", statement)
		}
	}
}

// A key's hash opens the row of that key, and no other.
func TestAKeysHashOpensItsOwnRow(t *testing.T) {
	s := begin(t)
	conn := app(t, s.kit.DB)
	for hash, want := range map[string]int{
		"": 0, "00": 0,
		rows(t, owner(t, s.kit.DB), `select encode(hash, 'hex') from api_key where tenant_id = $1 and name = 'read'`, s.acme.ID)[0]: 1,
	} {
		apply(t, conn, "begin")
		apply(t, conn, "set local app.key_hash = '"+hash+"'")
		if n := number(t, conn, "select count(*) from api_key"); n != want {
			t.Errorf("the hash %q opens %d rows, want %d", hash, n, want)
		}
		apply(t, conn, "commit")
		if n := number(t, conn, "select count(*) from api_key"); n != 0 {
			t.Errorf("after the transaction the hash still opens %d rows", n)
		}
	}
}
