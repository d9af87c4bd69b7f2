package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// single is an app with one connection, so that whatever one transaction leaves on it the
// next one meets.
func single(t *testing.T, h *testkit.House, tracer pgx.QueryTracer) *postgres.App {
	t.Helper()
	app, err := postgres.OpenApp(t.Context(), h.URL, 1, tracer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return app
}

const whose = "select current_setting('app.tenant_id', true) || ' ' || current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') || ' ' || current_user"

// asking are all ways to execute a transaction's first statement.
var asking = map[string]func(ctx context.Context, tx pgx.Tx) (string, error){
	"a row": func(ctx context.Context, tx pgx.Tx) (text string, err error) {
		return text, tx.QueryRow(ctx, whose).Scan(&text)
	},
	"rows": func(ctx context.Context, tx pgx.Tx) (string, error) {
		rows, err := tx.Query(ctx, whose+" from generate_series(1, $1::int)", 3)
		if err != nil {
			return "", err
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(all) != 3 {
			return "", fmt.Errorf("%d rows: %w", len(all), err)
		}
		return all[2], nil
	},
	"rows that are left": func(ctx context.Context, tx pgx.Tx) (text string, err error) {
		rows, err := tx.Query(ctx, whose+" from generate_series(1, 100)")
		if err != nil {
			return "", err
		}
		rows.Next()
		err = rows.Scan(&text)
		rows.Close()
		return text, errors.Join(err, rows.Err())
	},
	"no rows": func(ctx context.Context, tx pgx.Tx) (string, error) {
		if _, err := tx.Exec(ctx, "select 1"); err != nil {
			return "", err
		}
		var text string
		return text, tx.QueryRow(ctx, whose).Scan(&text)
	},
	"a batch": func(ctx context.Context, tx pgx.Tx) (text string, err error) {
		var batch pgx.Batch
		batch.Queue("select 1")
		batch.Queue(whose).QueryRow(func(row pgx.Row) error { return row.Scan(&text) })
		return text, tx.SendBatch(ctx, &batch).Close()
	},
	"a savepoint": func(ctx context.Context, tx pgx.Tx) (text string, err error) {
		inner, err := tx.Begin(ctx)
		if err != nil {
			return "", err
		}
		return text, errors.Join(inner.QueryRow(ctx, whose).Scan(&text), inner.Commit(ctx))
	},
	"a prepared statement": func(ctx context.Context, tx pgx.Tx) (text string, err error) {
		if _, err := tx.Prepare(ctx, "whose", whose); err != nil {
			return "", err
		}
		return text, tx.QueryRow(ctx, "whose").Scan(&text)
	},
}

// However a transaction is begun, its first statement and its second are of its tenant, in its
// mode and its role.
func TestTheFirstStatementIsTheTenants(t *testing.T) {
	h := testkit.NewHouse(t)
	acme := h.Tenant(t, "UTC")
	app := single(t, h, nil)
	narrow := postgres.WithRows(t.Context(), &postgres.Rows{Events: "true", People: "true", Accounts: "true"})
	for name, ask := range asking {
		for _, c := range []struct {
			ctx  context.Context
			in   func(context.Context, tenant.ID, func(pgx.Tx) error) error
			want string
		}{
			{t.Context(), app.Read, acme.String() + " repeatable read on " + postgres.AppRole},
			{t.Context(), app.InTenant, acme.String() + " read committed off " + postgres.AppRole},
			{narrow, app.Read, acme.String() + " repeatable read on " + postgres.NarrowRole},
		} {
			err := c.in(c.ctx, acme, func(tx pgx.Tx) error {
				first, err := ask(c.ctx, tx)
				if err != nil || first != c.want {
					t.Errorf("%s: %q, %v, want %q", name, first, err, c.want)
				}
				var second string
				err = tx.QueryRow(c.ctx, whose).Scan(&second)
				if err != nil || second != c.want {
					t.Errorf("%s, and then: %q, %v, want %q", name, second, err, c.want)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			wantClean(t, app, name)
		}
		if name == "a prepared statement" {
			if _, err := postgres.PoolOf(app).Exec(t.Context(), "deallocate all"); err != nil {
				t.Fatal(err)
			}
			postgres.PoolOf(app).Reset()
		}
	}
}

// wantClean holds the one connection against what a fresh one has: no transaction, no tenant,
// no rows, and its own role.
func wantClean(t *testing.T, app *postgres.App, after string) {
	t.Helper()
	conn, err := postgres.PoolOf(app).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var tenant, rows, role string
	status := conn.Conn().PgConn().TxStatus()
	err = conn.QueryRow(t.Context(), "select coalesce(current_setting('app.tenant_id', true), ''), coalesce(current_setting('app.event_rows', true), ''), current_user").Scan(&tenant, &rows, &role)
	if err != nil || status != 'I' || tenant+rows != "" || role != postgres.AppRole {
		t.Errorf("after %s a connection is in state %c, of tenant %q with rows %q as %s: %v", after, status, tenant, rows, role, err)
	}
}

// Whatever ends a transaction, the next one on the connection has nothing of it.
func TestNothingIsLeftOnAConnection(t *testing.T) {
	h := testkit.NewHouse(t)
	acme := h.Tenant(t, "UTC")
	app := single(t, h, nil)
	failed := errors.New("no")
	for name, fn := range map[string]func(ctx context.Context, cancel func(), tx pgx.Tx) error{
		"nothing":                func(context.Context, func(), pgx.Tx) error { return nil },
		"a failure before all":   func(context.Context, func(), pgx.Tx) error { return failed },
		"a failure after a read": func(ctx context.Context, _ func(), tx pgx.Tx) error { return errors.Join(read(ctx, tx), failed) },
		"a first statement that fails": func(ctx context.Context, _ func(), tx pgx.Tx) error {
			return tx.QueryRow(ctx, "select 1/0").Scan(new(int))
		},
		"one that is no SQL": func(ctx context.Context, _ func(), tx pgx.Tx) error { _, err := tx.Exec(ctx, "selekt"); return err },
		"one with a wrong argument": func(ctx context.Context, _ func(), tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "select $1::int", "x")
			return err
		},
		"a second one that fails": func(ctx context.Context, _ func(), tx pgx.Tx) error {
			return errors.Join(read(ctx, tx), func() error { _, err := tx.Exec(ctx, "select 1/0"); return err }())
		},
		"a caller who leaves": func(ctx context.Context, leave func(), tx pgx.Tx) error { leave(); return read(ctx, tx) },
		"one who leaves in between": func(ctx context.Context, leave func(), tx pgx.Tx) error {
			err := read(ctx, tx)
			leave()
			return errors.Join(err, read(ctx, tx))
		},
		"a panic":              func(context.Context, func(), pgx.Tx) error { panic("at the disco") },
		"a panic after a read": func(ctx context.Context, _ func(), tx pgx.Tx) error { _ = read(ctx, tx); panic("at the disco") },
	} {
		for _, in := range []func(context.Context, tenant.ID, func(pgx.Tx) error) error{app.Read, app.InTenant} {
			ctx, cancel := context.WithCancel(t.Context())
			err := func() (err error) {
				defer func() {
					if v := recover(); v != nil {
						err = fmt.Errorf("panic: %v", v)
					}
				}()
				return in(ctx, acme, func(tx pgx.Tx) error { return fn(ctx, cancel, tx) })
			}()
			cancel()
			if (err == nil) != (name == "nothing") {
				t.Errorf("%s: %v", name, err)
			}
			wantClean(t, app, name)
		}
	}
}

func read(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, "select 1").Scan(new(int)) }

// trips counts how often something is sent to the server.
type trips struct{ n int }

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n++
	return ctx
}
func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.n++
	return ctx
}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func TestRoundTrips(t *testing.T) {
	h := testkit.NewHouse(t)
	acme := h.Tenant(t, "UTC")
	var sent trips
	app := single(t, h, &sent)
	many := func(tx pgx.Tx) error { return errors.Join(read(t.Context(), tx), read(t.Context(), tx)) }
	for _, c := range []struct {
		name string
		do   func() error
		want int
	}{
		{"nothing", func() error { return app.Read(t.Context(), acme, func(pgx.Tx) error { return nil }) }, 0},
		{"one statement, and the end", func() error {
			return app.Read(t.Context(), acme, func(tx pgx.Tx) error { return read(t.Context(), tx) })
		}, 2},
		{"two", func() error { return app.Read(t.Context(), acme, many) }, 3},
		{"many that are known beforehand", func() error {
			return app.ReadOnce(t.Context(), acme, func(tx pgx.Tx) error {
				var batch pgx.Batch
				batch.Queue("select 1")
				batch.Queue("select 2")
				return tx.SendBatch(t.Context(), &batch).Close()
			})
		}, 1},
		{"one", func() error {
			return app.ReadOnce(t.Context(), acme, func(tx pgx.Tx) error { return read(t.Context(), tx) })
		}, 1},
	} {
		sent.n = 0
		if err := c.do(); err != nil || sent.n != c.want {
			t.Errorf("%s: %d round trips, %v, want %d", c.name, sent.n, err, c.want)
		}
	}
}

// What is read once is the tenant's, in one snapshot, and what fails says so.
func TestReadOnce(t *testing.T) {
	h := testkit.NewHouse(t)
	acme, globex := h.Tenant(t, "Europe/Berlin"), h.Tenant(t, "Asia/Tokyo")
	app := single(t, h, nil)
	for id, want := range map[tenant.ID]string{acme: "Europe/Berlin", globex: "Asia/Tokyo"} {
		var zones []string
		var mode string
		var batch pgx.Batch
		batch.Queue("select zone from tenant").Query(func(rows pgx.Rows) (err error) {
			zones, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		batch.Queue(whose).QueryRow(func(row pgx.Row) error { return row.Scan(&mode) })
		err := app.ReadOnce(t.Context(), id, func(tx pgx.Tx) error { return tx.SendBatch(t.Context(), &batch).Close() })
		if err != nil || strings.Join(zones, " ") != want || !strings.Contains(mode, " repeatable read on ") {
			t.Errorf("%v in mode %s, %v, want %s alone", zones, mode, err, want)
		}
		wantClean(t, app, "reading once")
	}
	for name, sql := range map[string]string{"a write": "delete from tenant", "a failure": "select 1/0", "no SQL": "selekt"} {
		if err := app.ReadOnce(t.Context(), acme, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		}); err == nil {
			t.Errorf("%s goes through", name)
		}
		wantClean(t, app, name)
	}
	err := app.ReadOnce(t.Context(), acme, func(tx pgx.Tx) error {
		return errors.Join(read(t.Context(), tx), read(t.Context(), tx))
	})
	if !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("a second statement: %v", err)
	}
	wantClean(t, app, "a second statement")
}
