package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Together runs functions that query the same transaction, and sends what they ask at the
// same time in one round trip. Each is written as if it were alone; it must close the rows
// that it was given before it asks again, as generated queries do. The first error is
// returned once all have returned.
func Together(ctx context.Context, tx pgx.Tx, functions ...func(db dbsqlc.DBTX) error) error {
	if len(functions) == 0 {
		return nil
	}
	if len(functions) == 1 {
		return functions[0](tx)
	}
	t := &together{asked: make(chan *asked), done: make(chan error, len(functions))}
	for _, f := range functions {
		go func() {
			defer func() {
				if panicked := recover(); panicked != nil {
					t.done <- fmt.Errorf("query together: %v", panicked)
				}
			}()
			t.done <- f(member{t})
		}()
	}
	return t.run(ctx, tx, len(functions))
}

// together is a gathering of functions. Its goroutines end before run does: each gets an
// answer to whatever it asks, and run waits until all have returned.
type together struct {
	asked chan *asked
	done  chan error
}

// asked is a statement of one of the functions. It is answered once, by rows or by an error,
// and finished once the rows are closed.
type asked struct {
	sql      string
	args     []any
	answer   chan answer
	finished chan struct{}
}

type answer struct {
	rows pgx.Rows
	err  error
}

// run answers in rounds: when all who still work have asked, or returned.
func (t *together) run(ctx context.Context, tx pgx.Tx, working int) error {
	var problems []error
	var waiting []*asked
	for working > 0 {
		select {
		case a := <-t.asked:
			waiting = append(waiting, a)
		case err := <-t.done:
			working--
			problems = append(problems, err)
		}
		if working > 0 && len(waiting) == working {
			send(ctx, tx, waiting)
			waiting = nil
		}
	}
	return firstCause(problems)
}

// firstCause leaves out those who failed because another one had.
func firstCause(problems []error) error {
	var aborted error
	for _, err := range problems {
		var refused *pgconn.PgError
		switch {
		case err == nil:
		case errors.As(err, &refused) && refused.Code == "25P02", errors.Is(err, errOther):
			aborted = err
		default:
			return err
		}
	}
	return aborted
}

var errOther = errors.New("another statement of the batch failed")

// send asks all at once, and lets them read their answers one after the other.
func send(ctx context.Context, tx pgx.Tx, waiting []*asked) {
	if len(waiting) == 1 {
		rows, err := tx.Query(ctx, waiting[0].sql, waiting[0].args...)
		waiting[0].give(rows, err)
		return
	}
	batch := &pgx.Batch{}
	for _, a := range waiting {
		batch.Queue(a.sql, a.args...)
	}
	results := tx.SendBatch(ctx, batch)
	failed := false
	for _, a := range waiting {
		if failed {
			a.give(nil, errOther)
			continue
		}
		rows, err := results.Query()
		failed = !a.give(rows, err)
	}
	_ = results.Close() // whose statement failed has been told
}

// give answers, and waits until the answer has been read. False if it was an error.
func (a *asked) give(rows pgx.Rows, err error) bool {
	if err != nil {
		a.answer <- answer{err: err}
		return false
	}
	a.answer <- answer{rows: &watched{Rows: rows, closed: sync.OnceFunc(func() { close(a.finished) })}}
	<-a.finished
	rows.Close()
	return rows.Err() == nil
}

// watched are rows that say when they are closed.
type watched struct {
	pgx.Rows
	closed func()
}

// Close implements [pgx.Rows].
func (w *watched) Close() {
	w.Rows.Close()
	w.closed()
}

// member is what one of the functions queries.
type member struct{ *together }

// Query implements [dbsqlc.DBTX].
func (m member) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	a := &asked{sql: sql, args: args, answer: make(chan answer, 1), finished: make(chan struct{})}
	m.asked <- a
	given := <-a.answer
	return given.rows, given.err
}

// QueryRow implements [dbsqlc.DBTX].
func (m member) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := m.Query(ctx, sql, args...)
	return single{rows, err}
}

// Exec implements [dbsqlc.DBTX].
func (m member) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	rows, err := m.Query(ctx, sql, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

// single is the first of some rows.
type single struct {
	rows pgx.Rows
	err  error
}

// Scan implements [pgx.Row].
func (s single) Scan(into ...any) error {
	if s.err != nil {
		return s.err
	}
	defer s.rows.Close()
	if !s.rows.Next() {
		return cmp.Or(s.rows.Err(), pgx.ErrNoRows)
	}
	if err := s.rows.Scan(into...); err != nil {
		return err
	}
	s.rows.Close()
	return s.rows.Err()
}

// SendBatch implements [dbsqlc.DBTX], and refuses: what is asked together is a batch already.
func (member) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return noBatch{} }

var errNoBatch = errors.New("a batch cannot be sent together with other statements")

type noBatch struct{}

func (noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, errNoBatch }
func (noBatch) Query() (pgx.Rows, error)         { return nil, errNoBatch }
func (noBatch) QueryRow() pgx.Row                { return single{err: errNoBatch} }
func (noBatch) Close() error                     { return errNoBatch }
func (noBatch) Tx() pgx.Tx                       { return nil }
