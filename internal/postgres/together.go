package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Together runs functions that query the same transaction, and sends what they ask at the
// same time in one round trip. Each is written as if it were alone; it must close the rows
// that it was given before it asks again, as generated queries do. The first error is
// returned once all have returned. They take turns, and no two run at the same time.
func Together(ctx context.Context, tx pgx.Tx, functions ...func(db dbsqlc.DBTX) error) error {
	if len(functions) == 0 {
		return nil
	}
	if len(functions) == 1 {
		return functions[0](tx)
	}
	members := make([]*member, len(functions))
	for i, f := range functions {
		members[i] = newMember(f)
		defer members[i].stop() // of use only after a panic
	}
	working := members
	for {
		var waiting []*member
		for _, m := range working {
			if m.advance() {
				waiting = append(waiting, m)
			}
		}
		if len(waiting) == 0 {
			return firstCause(members)
		}
		send(ctx, tx, waiting)
		working = waiting
	}
}

// firstCause leaves out those who failed because another one had.
func firstCause(members []*member) error {
	var aborted error
	for _, m := range members {
		var refused *pgconn.PgError
		switch {
		case m.err == nil:
		case errors.As(m.err, &refused) && refused.Code == "25P02", errors.Is(m.err, errOther):
			aborted = m.err
		default:
			return m.err
		}
	}
	return aborted
}

var errOther = errors.New("another statement of the batch failed")

// send asks all at once, and has them read their answers one after the other, each until it
// asks again or returns.
func send(ctx context.Context, tx pgx.Tx, waiting []*member) {
	if len(waiting) == 1 {
		waiting[0].rows, waiting[0].problem = tx.Query(ctx, waiting[0].sql, waiting[0].args...)
		waiting[0].read()
		return
	}
	batch := &pgx.Batch{}
	for _, m := range waiting {
		batch.Queue(m.sql, m.args...)
	}
	results := tx.SendBatch(ctx, batch)
	failed := false
	for _, m := range waiting {
		if m.rows, m.problem = nil, errOther; !failed {
			m.rows, m.problem = results.Query()
		}
		failed = !m.read() || failed
	}
	_ = results.Close() // whose statement failed has been told
}

// member is one of the functions, and what it queries. It runs as a coroutine: it stands still
// where it asks, until it has been answered.
type member struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	sql     string // what it asks
	args    []any
	rows    pgx.Rows // what it was answered
	problem error

	ahead, asks bool // it has gone on already, and whether it asked again
	err         error
}

func newMember(f func(dbsqlc.DBTX) error) *member {
	m := &member{}
	m.next, m.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if panicked := recover(); panicked != nil {
				m.err = fmt.Errorf("query together: %v", panicked)
			}
		}()
		m.yield = yield
		m.err = f(m)
	})
	return m
}

// advance has the function go on until it asks, unless it has; false: it has returned.
func (m *member) advance() bool {
	if !m.ahead {
		_, m.asks = m.next()
	}
	m.ahead = false
	return m.asks
}

// read has the function read its answer, and go on. False if the answer was an error.
func (m *member) read() bool {
	rows, problem := m.rows, m.problem
	_, m.asks = m.next()
	m.ahead = true
	if problem != nil {
		return false
	}
	rows.Close()
	return rows.Err() == nil
}

// Query implements [dbsqlc.DBTX].
func (m *member) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	m.sql, m.args = sql, args
	if !m.yield(struct{}{}) {
		return nil, errOther // nobody will answer
	}
	return m.rows, m.problem
}

// QueryRow implements [dbsqlc.DBTX].
func (m *member) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := m.Query(ctx, sql, args...)
	return single{rows, err}
}

// Exec implements [dbsqlc.DBTX].
func (m *member) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
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
func (*member) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return noBatch{} }

var errNoBatch = errors.New("a batch cannot be sent together with other statements")

type noBatch struct{}

func (noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, errNoBatch }
func (noBatch) Query() (pgx.Rows, error)         { return nil, errNoBatch }
func (noBatch) QueryRow() pgx.Row                { return single{err: errNoBatch} }
func (noBatch) Close() error                     { return errNoBatch }
func (noBatch) Tx() pgx.Tx                       { return nil }
