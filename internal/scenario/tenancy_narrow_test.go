package scenario_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// What whoever sees some rows alone may read, and of which of it conditions decide.
var narrowTables = map[string]bool{
	"event": true, "identity": true, "profile": true, "trait_change": true, "account": true, "membership": true, "customer_word": true,
	"tenant": false, "archive_part": false, "erasure": false, "report": false, "metric_definition_version": false,
}

// Rules over the catalog for the role of who sees some rows alone.
var narrowRules = []struct{ name, query string }{
	{"its policies are called narrowed, are for reading, and begin with the tenant", `
		select polrelid::regclass::text || '.' || polname from pg_policy
		where ('tidemark_narrow'::regrole::oid = any (polroles) or polname = 'narrowed' or 0 = any (polroles))
		  and not (polname = 'narrowed' and polcmd = 'r' and polpermissive and polroles = array['tidemark_narrow'::regrole::oid]
		    and pg_get_expr(polqual, polrelid) ~ '^\(+tenant_id = current_tenant\(\)\)')`},
	{"it writes nothing", `
		select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema)'
		  and has_table_privilege('tidemark_narrow', c.oid, 'insert, update, delete, truncate, references, trigger')`},
	{"it has no powers", `
		select rolname::text from pg_roles where rolname = 'tidemark_narrow'
		  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin)`},
	{"it is a member of no role, and serving inherits nothing of it", `
		select member::regrole::text || ' of ' || roleid::regrole::text from pg_auth_members
		where member = 'tidemark_narrow'::regrole
		   or roleid = 'tidemark_narrow'::regrole and member in ('tidemark_app'::regrole, 'tidemark_worker'::regrole, 'tidemark_access'::regrole)`},
	{"it makes nothing", `
		select nspname::text from pg_namespace where has_schema_privilege('tidemark_narrow', oid, 'create') and nspname !~ '^pg_(toast_)?temp_'`},
	{"nobody makes anything beside what is worked out for it", `
		select r from unnest(array['tidemark_app', 'tidemark_worker', 'tidemark_access', 'tidemark_narrow']) r where has_schema_privilege(r, 'narrowed', 'create')`},
	{"what is worked out for it has the worker's rights, a fixed search path, and is nobody else's", `
		select p.proname::text from pg_proc p where p.pronamespace = 'narrowed'::regnamespace and p.prosecdef
		  and (p.proowner <> 'tidemark_worker'::regrole or not coalesce(p.proconfig @> array['search_path=pg_catalog, public'], false)
		    or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		      where a.grantee not in ('tidemark_worker'::regrole, 'tidemark_narrow'::regrole)))`},
	{"what is worked out for it asks for the tenant", `
		select p.proname::text from pg_proc p where p.pronamespace = 'narrowed'::regnamespace and p.prosecdef and p.proname <> 'sees_person'
		  and pg_get_functiondef(p.oid) not like '%tenant_id = current_tenant()%'`},
	{"its views are barriers, and filter on the tenant", `
		select c.relname::text from pg_class c where c.relnamespace = 'narrowed'::regnamespace
		  and not (c.relkind = 'v' and coalesce('security_barrier=true' = any (c.reloptions), false)
		    and pg_get_viewdef(c.oid) like '%WHERE (%tenant_id = current_tenant())%')`},
}

// What is shared between tenants is found by one view. It shows the app what was granted to the
// tenant of the transaction, and the narrow role nothing.
func TestTheCatalogKeepsWhatIsShared(t *testing.T) {
	conn := owner(t, testkit.Database(t))
	for _, broken := range rows(t, conn, `
		select c.relname::text from pg_class c where c.relnamespace = 'shared'::regnamespace
		  and not (c.relname = 'report_received' and c.relkind = 'v' and coalesce('security_barrier=true' = any (c.reloptions), false)
		    and pg_get_viewdef(c.oid) ~ 'grantee_id = current_tenant\(\)' and pg_get_viewdef(c.oid) ~ 'ended_at IS NULL'
		    and not has_table_privilege('tidemark_app', c.oid, 'insert, update, delete'))
		union all
		select r from unnest(array['tidemark_access', 'tidemark_narrow']) r where has_schema_privilege(r, 'shared', 'usage')
		union all
		select r from unnest(array['tidemark_app', 'tidemark_worker']) r where has_schema_privilege(r, 'shared', 'create')`) {
		t.Errorf("not as it ought to be: %s", broken)
	}
}

func TestTheCatalogKeepsTheNarrowRoleNarrow(t *testing.T) {
	conn := owner(t, testkit.Database(t))
	for _, rule := range narrowRules {
		for _, broken := range rows(t, conn, rule.query) {
			t.Errorf("not %q: %s", rule.name, broken)
		}
	}
	reads := rows(t, conn, `select c.relname::text from pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
		  and (has_table_privilege('tidemark_narrow', c.oid, 'select') or has_any_column_privilege('tidemark_narrow', c.oid, 'select')) order by 1`)
	for _, table := range reads {
		if _, known := narrowTables[table]; !known {
			t.Errorf("it reads %s: say in this test whether conditions decide of which rows", table)
		}
	}
	if len(reads) != len(narrowTables) {
		t.Errorf("it reads %v", reads)
	}
}

// Conditions that were forgotten show nothing; what cannot be narrowed is refused; and a
// tenant's rows are its own as ever.
func TestWhatWasForgottenIsNotSeen(t *testing.T) {
	s := begin(t)
	s.lived(t)
	conn := owner(t, s.kit.DB)
	tables := append(tenantTables(t, conn), "materialized.day_total", "login")
	// Whoever reads as this role, does so in a transaction of a tenant.
	as := func(settings string) {
		apply(t, conn, "begin; set local role tidemark_narrow; set local app.tenant_id = '"+s.acme.ID.String()+"'; "+settings)
	}
	const all = `set local app.event_rows = '1 == 1'; set local app.person_rows = '1 == 1'; set local app.account_rows = '1 == 1'`
	for _, table := range tables {
		decided, reads := narrowTables[table]
		as("")
		err := conn.QueryRow(t.Context(), "select count(*) from "+table).Scan(new(int))
		if pg, refused := errors.AsType[*pgconn.PgError](err); !reads && (!refused || pg.Code != "42501") {
			t.Errorf("%s is not to be read at all: %v", table, err)
		}
		apply(t, conn, "rollback")
		if !reads {
			continue
		}
		as("")
		if n := number(t, conn, "select count(tenant_id) from "+table); decided && n > 0 {
			t.Errorf("%s: %d rows without conditions", table, n)
		}
		apply(t, conn, "rollback")
		as(all)
		if n := number(t, conn, "select count(tenant_id) from "+table+" where tenant_id = $1", s.globex.ID); n > 0 {
			t.Errorf("%s: %d rows of another's", table, n)
		}
		if n := number(t, conn, "select count(tenant_id) from "+table); decided && n == 0 {
			t.Errorf("%s: no row, whatever the conditions", table)
		}
		apply(t, conn, "rollback; begin; set local role tidemark_narrow; "+all)
		if n := number(t, conn, "select count(tenant_id) from "+table); n > 0 {
			t.Errorf("%s: %d rows without a tenant", table, n)
		}
		apply(t, conn, "rollback")
	}
	if !slices.Contains(tables, "event_rollup") {
		t.Errorf("looked at %v only", tables)
	}
}
