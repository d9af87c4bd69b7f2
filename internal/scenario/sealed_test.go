package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	vault "github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// Every column of sealed bytes is one that a rotation knows, and can rotate.
func TestEverySealedColumnIsRotated(t *testing.T) {
	conn := owner(t, testkit.Database(t))
	for _, problem := range unrotated(t, conn, tidemark.SealedPlaces()) {
		t.Error(problem)
	}
	// That nothing was found would say little if nothing could be.
	for _, statement := range []string{
		`create table kept (id uuid primary key, sealed_a bytea, sealed_b bytea)`, `create table texts (name text primary key, sealed_c bytea)`,
		`grant select, update on texts to tidemark_worker`, `alter table member add column sealed_e bytea`, `grant select on kept to tidemark_worker`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	place := func(table, column, prefix string, key ...string) vault.Place {
		return vault.Place{Table: table, Column: column, Key: key, Role: "tidemark_worker", Prefix: prefix}
	}
	got := unrotated(t, conn, append(tidemark.SealedPlaces(), place("kept", "sealed_a", "kept/"), place("texts", "sealed_c", "kept/", "name"), place("gone", "sealed_d", "d", "id"),
		vault.Place{Table: "member", Column: "sealed_e", Key: []string{"tenant_id", "login_id"}, Role: "tidemark_access", Prefix: "member/"}))
	slices.Sort(got)
	wantEqual(t, "what is found", got, []string{
		`gone.sealed_d has the prefix "d", which does not end with a slash`,
		`gone.sealed_d is no column of bytes`,
		`kept.sealed_a has the key [id]`,
		`kept.sealed_a may not be rotated by tidemark_worker`,
		`kept.sealed_b is not in app.SealedPlaces`,
		`member.sealed_e is not seen by tidemark_access over all tenants`,
		`texts.sealed_c has a key of text, which may have slashes`,
		`texts.sealed_c has the prefix "kept/", as another place`,
	})
}

// unrotated lists what a rotation would pass over or could not do.
func unrotated(t *testing.T, conn *pgx.Conn, places []vault.Place) (problems []string) {
	t.Helper()
	known, prefixes := map[string]bool{}, map[string]bool{}
	for _, p := range places {
		name := p.Table + "." + p.Column
		known[name] = true
		if !strings.HasSuffix(p.Prefix, "/") {
			problems = append(problems, fmt.Sprintf("%s has the prefix %q, which does not end with a slash", name, p.Prefix))
		}
		if prefixes[p.Prefix] {
			problems = append(problems, fmt.Sprintf("%s has the prefix %q, as another place", name, p.Prefix))
		}
		prefixes[p.Prefix] = true
		problems = append(problems, wrongPlace(t, conn, name, p)...)
	}
	for _, name := range rows(t, conn, sealedColumns+` order by 1`) {
		if !known[name] {
			problems = append(problems, name+" is not in app.SealedPlaces")
		}
	}
	return problems
}

const sealedColumns = `
	select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
	where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
	  and a.attname like 'sealed\_%' and a.atttypid = 'bytea'::regtype`

func wrongPlace(t *testing.T, conn *pgx.Conn, name string, p vault.Place) (problems []string) {
	t.Helper()
	if len(rows(t, conn, sealedColumns+` and c.relname || '.' || a.attname = $1`, name)) == 0 {
		return []string{name + " is no column of bytes"}
	}
	key := rows(t, conn, `
		select a.attname from pg_index i
		cross join unnest(i.indkey) with ordinality k (number, place)
		join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
		where i.indisprimary and i.indrelid = ('public.' || quote_ident($1))::regclass order by k.place`, p.Table)
	if !slices.Equal(key, p.Key) {
		problems = append(problems, fmt.Sprintf("%s has the key %v", name, key))
	}
	for _, kind := range rows(t, conn, `
		select format_type(atttypid, null) from pg_attribute
		where attrelid = ('public.' || quote_ident($1))::regclass and attname = any($2)
		  and atttypid not in ('uuid'::regtype, 'int'::regtype, 'bigint'::regtype, 'smallint'::regtype)`, p.Table, p.Key) {
		problems = append(problems, name+" has a key of "+kind+", which may have slashes")
	}
	if len(rows(t, conn, `
		select 'x' where not has_column_privilege($1, 'public.' || quote_ident($2), $3, 'select')
		  or not has_column_privilege($1, 'public.' || quote_ident($2), $3, 'update')`, p.Role, p.Table, p.Column)) > 0 {
		problems = append(problems, name+" may not be rotated by "+p.Role)
	}
	if len(rows(t, conn, `
		select 'x' from pg_class c where c.oid = ('public.' || quote_ident($1))::regclass and c.relrowsecurity
		  and not exists (select from pg_policy where polrelid = c.oid and polroles = array[$2::regrole::oid] and pg_get_expr(polqual, polrelid) = 'true')`,
		p.Table, p.Role)) > 0 {
		problems = append(problems, name+" is not seen by "+p.Role+" over all tenants")
	}
	return problems
}
