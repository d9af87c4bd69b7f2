package rotation

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

// pass goes over a place once, a batch of rows in a transaction.
type pass struct {
	*run
	place secret.Place
	conn  *pgx.Conn
	first int // what was done in the places before

	seen     int
	stale    int // secrets under another key than the current one
	failed   int
	failures []Failure
}

// row is one secret, and the key of where it stands.
type row struct {
	key    []string
	sealed []byte
}

// all goes from the first row to the last, by the primary key.
func (p *pass) all(ctx context.Context) error {
	for after := []string(nil); ; {
		last, err := p.batch(ctx, after)
		if err != nil || last == nil {
			return err
		}
		after = last
		p.done = max(p.done, p.first+p.seen)
		p.report(p.done, max(p.done, p.result.Secrets))
	}
}

// batch rewraps the rows after a key, and gives the last one's; nil: there is none.
func (p *pass) batch(ctx context.Context, after []string) (last []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, batchWithin)
	defer cancel()
	rewrapped, list := 0, []row(nil)
	err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		if list, err = p.rows(ctx, tx, after); err != nil {
			return err
		}
		rewrapped, err = p.rewrap(ctx, tx, list)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	p.result.Rewrapped += rewrapped
	p.seen += len(list)
	return list[len(list)-1].key, nil
}

func (p *pass) rows(ctx context.Context, tx pgx.Tx, after []string) ([]row, error) {
	var args []any
	for _, part := range after {
		args = append(args, part)
	}
	found, err := tx.Query(ctx, rowsQuery(p.place, after != nil), args...)
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return pgx.CollectRows(found, func(from pgx.CollectableRow) (row, error) {
		r := row{key: make([]string, len(p.place.Key))}
		into := make([]any, 0, len(r.key)+1)
		for i := range r.key {
			into = append(into, &r.key[i])
		}
		return r, from.Scan(append(into, &r.sealed)...)
	})
}

// rewrap writes what it has wrapped anew, where nobody has written since: a secret that was
// replaced meanwhile is the newer one.
func (p *pass) rewrap(ctx context.Context, tx pgx.Tx, list []row) (rewrapped int, err error) {
	var batch pgx.Batch
	for _, r := range list {
		sealed, changed, err := p.vault.Rewrap(r.sealed, p.place.Context(r.key...))
		if err != nil {
			p.fail(r, err)
		}
		if !changed {
			continue
		}
		p.stale++
		args := []any{sealed, r.sealed}
		for _, part := range r.key {
			args = append(args, part)
		}
		batch.Queue(updateQuery(p.place), args...).Exec(func(tag pgconn.CommandTag) error {
			rewrapped += int(tag.RowsAffected())
			return nil
		})
	}
	if batch.Len() == 0 {
		return 0, nil
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return 0, fmt.Errorf("write secrets: %w", err)
	}
	return rewrapped, nil
}

func (p *pass) fail(r row, err error) {
	p.failed++
	if len(p.failures) < maxFailures {
		p.failures = append(p.failures, Failure{p.place, r.key, err})
	}
}
