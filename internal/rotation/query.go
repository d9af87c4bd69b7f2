package rotation

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

// These queries are not in queries/, as their tables are those of the registry. Their names
// come from the code, and are quoted all the same.

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// keyOf lists the key's columns, each with a suffix.
func keyOf(p secret.Place, suffix string) string {
	var columns []string
	for _, name := range p.Key {
		columns = append(columns, "t."+quote(name)+suffix)
	}
	return strings.Join(columns, ", ")
}

// params are the places of the key's parts among the parameters, after so many others. Their
// types are those of the columns that they are compared with.
func params(p secret.Place, after int) string {
	var list []string
	for i := range p.Key {
		list = append(list, "$"+strconv.Itoa(after+i+1))
	}
	return strings.Join(list, ", ")
}

func countQuery(p secret.Place) string {
	return fmt.Sprintf(`select count(*) from public.%s t where t.%s is not null`, quote(p.Table), quote(p.Column))
}

// rowsQuery reads the next rows by the primary key, so that each pass sees each row once,
// whatever is written meanwhile.
func rowsQuery(p secret.Place, goesOn bool) string {
	after := ""
	if goesOn {
		after = fmt.Sprintf(" and (%s) > (%s)", keyOf(p, ""), params(p, 0))
	}
	return fmt.Sprintf(`select %s, t.%s from public.%s t where t.%s is not null%s order by %s limit %d`,
		keyOf(p, "::text"), quote(p.Column), quote(p.Table), quote(p.Column), after, keyOf(p, ""), batchSize)
}

func updateQuery(p secret.Place) string {
	return fmt.Sprintf(`update public.%s t set %s = $1 where t.%s = $2 and (%s) = (%s)`,
		quote(p.Table), quote(p.Column), quote(p.Column), keyOf(p, ""), params(p, 2))
}
