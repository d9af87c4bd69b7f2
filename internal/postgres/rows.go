package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Rows are conditions on what a transaction sees: predicates of SQL/JSON path over the
// properties of events, and the traits of people and of accounts. Of what has an empty one
// nothing is seen. They are written by this program: plain ASCII without a quotation mark.
type Rows struct{ Events, People, Accounts string }

type rowsKey struct{}

// WithRows returns a context in which the app's transactions are narrowed to rows; nil: to
// none. They take on a role to which nothing is granted but to read those tables whose rows
// the conditions are about: so whatever cannot be narrowed is refused, and not shown.
func WithRows(ctx context.Context, rows *Rows) context.Context {
	return context.WithValue(ctx, rowsKey{}, rows)
}

// ForHouse returns a context for what is looked up, or noted, while a caller is served, and not
// told to them: whether their document is trusted, or what they may ask for. It is not narrowed.
func ForHouse(ctx context.Context) context.Context { return WithRows(ctx, nil) }

func rowsOf(ctx context.Context) *Rows {
	rows, _ := ctx.Value(rowsKey{}).(*Rows)
	return rows
}

// ofRows narrows the transaction to the rows that the context carries, if it does.
func (o opening) ofRows(ctx context.Context) opening {
	rows := rowsOf(ctx)
	if rows == nil {
		return o
	}
	return o.and("set local role "+NarrowRole).and(
		"select set_config('app.event_rows', $1, true), set_config('app.person_rows', $2, true), set_config('app.account_rows', $3, true)",
		rows.Events, rows.People, rows.Accounts)
}

// narrowed says so where something was asked for that cannot be narrowed.
func narrowed(ctx context.Context, err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && rowsOf(ctx) != nil && refused.Code == insufficientPrivilege {
		return fault.New(fault.Forbidden, "You see some rows alone, and this cannot be told for some.").Because(err)
	}
	return err
}
