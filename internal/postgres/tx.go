package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// opening is how a transaction begins: its mode, and statements that say whose it is. They
// travel with the transaction's first statement, in one round trip, and come before it: the
// server executes nothing after one that fails.
type opening struct {
	mode pgx.TxOptions
	sets []statement
	once bool // the transaction ends with its first statement, or batch, as well
}

type statement struct {
	sql  string
	args []any
}

// and is the opening with one more statement.
func (o opening) and(sql string, args ...any) opening {
	o.sets = append(o.sets[:len(o.sets):len(o.sets)], statement{sql, args})
	return o
}

// lazyTx is a transaction that begins with its first statement. One that has none costs nothing.
type lazyTx struct {
	conn    *pgx.Conn
	opening opening
	begun   pgx.Tx // nil until then
}

// send begins, and executes a batch. Where it cannot begin, the batch fails for that reason.
func (t *lazyTx) send(ctx context.Context, then *pgx.Batch) pgx.BatchResults {
	var all pgx.Batch
	all.BeginTx(t.opening.mode)
	for _, set := range t.opening.sets {
		all.Queue(set.sql, set.args...)
	}
	first := all.Len()
	all.QueuedQueries = append(all.QueuedQueries, then.QueuedQueries...)
	if t.opening.once {
		all.Queue("commit")
	}
	results := t.conn.SendBatch(ctx, &all)
	t.begun = results.Tx()
	for range first {
		if _, err := results.Exec(); err != nil {
			break // and whatever is read next has the same error
		}
	}
	return results
}

// begin begins now, for what cannot travel in a batch.
func (t *lazyTx) begin(ctx context.Context) (pgx.Tx, error) {
	if t.begun != nil {
		return t.begun, nil
	}
	err := t.send(ctx, &pgx.Batch{}).Close()
	return t.begun, err
}

// Query implements [pgx.Tx].
func (t *lazyTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.begun != nil {
		return t.begun.Query(ctx, sql, args...)
	}
	results := t.only(ctx, sql, args)
	rows, err := results.Query()
	if err != nil {
		_ = results.Close() // whose error it is
		return rows, err
	}
	return &firstRows{Rows: rows, results: results}, nil
}

func (t *lazyTx) only(ctx context.Context, sql string, args []any) pgx.BatchResults {
	var batch pgx.Batch
	batch.Queue(sql, args...)
	return t.send(ctx, &batch)
}

// firstRows end the batch that they came in when they are over.
type firstRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

// Next implements [pgx.Rows].
func (r *firstRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close implements [pgx.Rows].
func (r *firstRows) Close() {
	r.Rows.Close()
	r.err = r.results.Close()
}

// Err implements [pgx.Rows].
func (r *firstRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// QueryRow implements [pgx.Tx].
func (t *lazyTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if t.begun != nil {
		return t.begun.QueryRow(ctx, sql, args...)
	}
	return firstRow{t.only(ctx, sql, args)}
}

type firstRow struct{ results pgx.BatchResults }

// Scan implements [pgx.Row].
func (r firstRow) Scan(into ...any) error {
	err := r.results.QueryRow().Scan(into...)
	if closed := r.results.Close(); err == nil {
		err = closed
	}
	return err
}

// Exec implements [pgx.Tx].
func (t *lazyTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if t.begun != nil {
		return t.begun.Exec(ctx, sql, args...)
	}
	results := t.only(ctx, sql, args)
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// SendBatch implements [pgx.Tx].
func (t *lazyTx) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if t.begun != nil {
		return t.begun.SendBatch(ctx, batch)
	}
	return t.send(ctx, batch)
}

// CopyFrom implements [pgx.Tx].
func (t *lazyTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	tx, err := t.begin(ctx)
	if err != nil {
		return 0, err
	}
	return tx.CopyFrom(ctx, table, columns, rows)
}

// Prepare implements [pgx.Tx].
func (t *lazyTx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	tx, err := t.begin(ctx)
	if err != nil {
		return nil, err
	}
	return tx.Prepare(ctx, name, sql)
}

// Begin implements [pgx.Tx]: it sets a savepoint.
func (t *lazyTx) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := t.begin(ctx)
	if err != nil {
		return nil, err
	}
	return tx.Begin(ctx)
}

// LargeObjects implements [pgx.Tx]. There are none.
func (t *lazyTx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Conn implements [pgx.Tx]. Of a transaction that has not begun it is nil: nobody must speak to
// it past the opening.
func (t *lazyTx) Conn() *pgx.Conn {
	if t.begun == nil {
		return nil
	}
	return t.conn
}

// Commit implements [pgx.Tx].
func (t *lazyTx) Commit(ctx context.Context) error {
	if t.begun == nil || t.opening.once && t.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	return t.begun.Commit(ctx)
}

// Rollback implements [pgx.Tx].
func (t *lazyTx) Rollback(ctx context.Context) error {
	if t.begun == nil {
		return nil
	}
	return t.begun.Rollback(ctx)
}
