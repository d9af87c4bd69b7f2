package scenario_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// owner connects as the database's owner.
func owner(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// rows reads a list of texts.
func rows(t *testing.T, conn *pgx.Conn, query string, args ...any) []string {
	t.Helper()
	result, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(result, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Rules over PostgreSQL's own catalog: each query lists what breaks the rule, and what
// allowed names is let off, for a reason.
var rules = []struct {
	name, query string
	allowed     map[string]string
}{
	{"a table of tenants has row security, forced", `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
		  and not (c.relrowsecurity and c.relforcerowsecurity)`, nil},
	{"a table of tenants has the two policies and no other", `
		select c.relname || '.' || coalesce(p.polname, 'none') from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		left join pg_policy p on p.polrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
		  and p.polname is distinct from 'one_tenant' and p.polname is distinct from 'all_tenants'
		  and p.polname is distinct from 'access_tenant'
		  and p.polname is distinct from 'narrowed' -- has rules of its own`,
		map[string]string{
			"api_key.embed_key": "an embed token names its key, and is verified with it",
			"api_key.own_key":   "a caller who holds a key learns its tenant by it",
			"member.own_member": "who signs in learns where they belong",
			"role.own_role":     "and as what",
			"tenant.own_tenant": "and what that is called",

			"session.own_session":     "who has signed in sees their sessions, wherever they are",
			"session.end_own_session": "and ends them",
		}},
	{"whoever signs people in sees one tenant, or one login, at a time", `
		select polrelid::regclass || '.' || polname from pg_policy where 'tidemark_access'::regrole = any (polroles)
		  and (polroles <> array['tidemark_access'::regrole::oid]
		    or pg_get_expr(polqual, polrelid) !~ 'current_(tenant|login)\(\)'
		    or polwithcheck is not null and pg_get_expr(polwithcheck, polrelid) !~ '^\((tenant_id = (\( SELECT )?current_tenant\(\)|login_id = current_login\(\))')`,
		map[string]string{"mail_outbox.put": "mail is put without a look at what waits, and is of no tenant"}},
	{"whoever signs people in sees no tenant's data", `
		select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
		  and has_table_privilege('tidemark_access', c.oid, 'select, insert, update, delete, truncate')
		  and c.relname not in ('goose_db_version', 'login', 'member', 'role', 'tenant', 'audit_entry', 'api_key', 'api_key_use', 'api_key_misuse')
		  and c.relname not in ('session', 'refresh_token', 'invitation', 'identity_provider', 'provider_identity', 'sign_in_code')
		  and c.relname not in ('second_factor', 'recovery_code', 'password_reset', 'password_reset_request', 'mail_outbox')`, nil},
	{"what was done is added to, by nobody changed or removed", `
		select r from unnest(array['tidemark_app', 'tidemark_worker', 'tidemark_access']) r
		where has_table_privilege(r, 'audit_entry', 'update, delete, truncate, trigger')
		   or has_any_column_privilege(r, 'audit_entry', 'update')
		   or not has_table_privilege(r, 'audit_entry', 'insert')`, nil},
	{"what is a login's own is seen by the login", `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'login_id'
		where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'login'
		  and not exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
		  and not (c.relrowsecurity and c.relforcerowsecurity
		    and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'own_login'
		      and pg_get_expr(p.polqual, c.oid) = '(login_id = current_login())' and p.polroles = array['tidemark_access'::regrole::oid]))`, nil},
	{"whoever signs people in takes nothing away", `
		select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace
		  and has_table_privilege('tidemark_access', c.oid, 'delete, truncate')`, nil},
	{"the app's policy compares with the current tenant", `
		select polrelid::regclass::text from pg_policy where polname = 'one_tenant'
		  and (pg_get_expr(polqual, polrelid) <> '(tenant_id = current_tenant())'
		    or regexp_replace(pg_get_expr(polwithcheck, polrelid), '\s+', ' ', 'g') not in (
		      '(tenant_id = current_tenant())',
		      '(tenant_id = ( SELECT current_tenant() AS current_tenant))') -- worked out once a statement
		    or polroles <> array['tidemark_app'::regrole::oid])`, nil},
	{"a policy for all tenants is for the worker alone", `
		select polrelid::regclass::text from pg_policy where polname = 'all_tenants' and polroles <> array['tidemark_worker'::regrole::oid]`, nil},
	{"tenant_id is never null", `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attnotnull`, nil},
	{"a table without tenants is not the app's", `
		select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f')
		  and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
		  and has_table_privilege('tidemark_app', c.oid, 'select, insert, update, delete, truncate, references, trigger')`,
		map[string]string{
			"goose_db_version": "whoever starts asks at which migration the database is",
			"event_incoming":   "it is empty for ever, and read for its shape: each session that writes makes a temporary table like it",
		}},
	{"a table without tenants is not ours to write", `
		select c.relname || ' by ' || r from pg_class c, unnest(array['tidemark_app', 'tidemark_worker']) r
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f')
		  and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
		  and has_table_privilege(r, c.oid, 'insert, update, delete, truncate, references, trigger')`,
		map[string]string{
			"view_refresh by tidemark_worker":           "it says what became of the views that it refreshes, for all tenants at once",
			"mail_outbox by tidemark_worker":            "it sends what waits",
			"password_reset by tidemark_worker":         "it forgets what is over",
			"password_reset_request by tidemark_worker": "it forgets what is done",
		}},
	{"the queue, which is of no tenant, is the worker's alone", `
		select c.relname || ' by ' || r from pg_class c, unnest(array['tidemark_app', 'tidemark_access', 'tidemark_narrow']) r
		where c.relnamespace = 'river'::regnamespace and c.relkind in ('r', 'S')
		  and (has_schema_privilege(r, 'river', 'usage') or c.relkind = 'r' and has_table_privilege(r, c.oid, 'select, insert, update, delete'))`, nil},
	{"a unique index begins with the tenant", `
		select i.indexrelid::regclass::text from pg_index i
		join pg_class c on c.oid = i.indrelid and c.relnamespace in ('public'::regnamespace, 'materialized'::regnamespace)
		join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		where i.indisunique and i.indkey[0] <> a.attnum`,
		map[string]string{"api_key_hash": "the key is what tells the tenant"}},
	{"a table of tenants has a primary key", `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
		  and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`, nil},
	{"our roles have no powers", `
		select rolname::text from pg_roles where rolname in ('tidemark_app', 'tidemark_worker', 'tidemark_access')
		  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin)`, nil},
	{"our roles are members of no other", `
		select m.member::regrole::text from pg_auth_members m where m.member in ('tidemark_app'::regrole, 'tidemark_worker'::regrole, 'tidemark_access'::regrole)`, nil},
	{"what tells a shape is empty", `select 'event_incoming' where exists (select from public.event_incoming)`, nil},
	// A session's temporary tables are its own, and end with it: in them events are staged.
	{"the roles that serve own nothing that lasts", `
		select d.classid::regclass::text || ' ' || coalesce(c.relname, d.objid::text) from pg_shdepend d
		left join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
		left join pg_type y on d.classid = 'pg_type'::regclass and y.oid = d.objid
		left join pg_namespace n on n.oid = coalesce(c.relnamespace, y.typnamespace)
		where d.refclassid = 'pg_authid'::regclass and d.refobjid in ('tidemark_app'::regrole, 'tidemark_access'::regrole) and d.deptype = 'o'
		  and coalesce(n.nspname, '') !~ '^pg_(toast_)?temp_'`, nil},
	{"the app makes nothing", `
		select nspname::text from pg_namespace where (has_schema_privilege('tidemark_app', oid, 'create') or has_schema_privilege('tidemark_access', oid, 'create')) and nspname !~ '^pg_(toast_)?temp_'`, nil},
	{"the app takes nothing away", `
		select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
		  and has_table_privilege('tidemark_app', c.oid, 'delete, truncate')`, nil},
	{"partitions are reached by their parent alone", `
		select c.relname from pg_class c, unnest(array['tidemark_app', 'tidemark_worker', 'tidemark_access']) r
		where c.relispartition and c.relkind = 'r' and has_table_privilege(r, c.oid, 'select, insert, update, delete')`, nil},
	{"materialized views are not the app's to read", `
		select oid::regclass::text from pg_class where relkind = 'm'
		  and (has_table_privilege('tidemark_app', oid, 'select') or has_schema_privilege('tidemark_app', relnamespace, 'usage'))`, nil},
	// A view that reads with the rights of who asks (security_invoker) stands behind the policies
	// of its tables, whose conditions are barriers themselves.
	{"a view that the app reads by its owner's rights is a barrier", `
		select c.relname from pg_class c where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
		  and has_table_privilege('tidemark_app', c.oid, 'select')
		  and not coalesce('security_invoker=true' = any (c.reloptions), false)
		  and not coalesce('security_barrier=true' = any (c.reloptions), false)`, nil},
	{"a view that the app reads by its owner's rights filters on the tenant", `
		select c.relname from pg_class c where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
		  and has_table_privilege('tidemark_app', c.oid, 'select')
		  and not coalesce('security_invoker=true' = any (c.reloptions), false)
		  and pg_get_viewdef(c.oid) not like '%WHERE (%tenant_id = current_tenant())%'`, nil},
	{"nothing runs with its owner's rights", `
		select proname::text from pg_proc where prosecdef and pronamespace = 'public'::regnamespace`,
		map[string]string{
			"event_partition_ensure": "the app owns no table, and an event may need a new month's partition",
			"customer_search":        "under row security no condition may use an index of trigrams; it asks for the tenant itself, and tells ids alone",
			"event_partition_drop":   "nor does the worker, and a partition without events is of no use",
		}},
	{"what runs with its owner's rights has a fixed search path", `
		select proname::text from pg_proc where prosecdef and pronamespace = 'public'::regnamespace
		  and not coalesce(proconfig @> array['search_path=pg_catalog, public'], false)`, nil},
	{"what runs with its owner's rights is not everybody's", `
		select p.proname::text from pg_proc p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		where p.prosecdef and p.pronamespace = 'public'::regnamespace and a.grantee = 0`, nil},
}

// What keeps the tenants apart is written in the catalog, for every table that there is,
// and for each that will be.
func TestTheCatalogKeepsTenantsApart(t *testing.T) {
	kit := served.Start(t)
	kit.Tenant(t, "Acme", "Europe/Berlin").Batch(t, event("m1", "E", "u1", noon)) // makes a partition
	conn := owner(t, kit.DB)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			broken := rows(t, conn, rule.query)
			for _, name := range broken {
				if rule.allowed[name] == "" {
					t.Errorf("not %s", name)
				}
			}
			for name, why := range rule.allowed {
				if !slices.Contains(broken, name) {
					t.Errorf("%s needs no leave any more (%s)", name, why)
				}
			}
		})
	}
	if tables := tenantTables(t, conn); len(tables) < 9 {
		t.Errorf("the rules looked at %v only", tables)
	}
}

// tenantTables lists the tables and views that have a tenant.
func tenantTables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return rows(t, conn, `
		select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
		order by 1`)
}
