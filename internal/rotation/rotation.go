// Package rotation wraps every stored secret anew under the current master key. It may be
// stopped at any moment and run again: each secret is sealed under one key or the other, and
// never under none.
package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

const (
	batchSize   = 200              // secrets of one transaction
	batchWithin = 30 * time.Second // of one transaction, waiting for locks included
	maxPasses   = 5                // over a place in which secrets change meanwhile
	maxFailures = 20               // that are named
)

// Result is what a rotation has come to.
type Result struct {
	Secrets   int       // that there are
	Rewrapped int       // that another key had wrapped
	Failed    int       // that could not be opened, and were left as they are
	Failures  []Failure // the first 20 of them
}

// Failure is a secret that could not be rewrapped.
type Failure struct {
	Place secret.Place
	Key   []string // of the row
	Err   error    // [secret.ErrDamaged] or [secret.ErrUnknownKey]
}

func (f Failure) String() string {
	return fmt.Sprintf("%s.%s of %v: %v", f.Place.Table, f.Place.Column, f.Key, f.Err)
}

// errBusy ends a rotation that others undo: servers that still seal under another key.
var errBusy = errors.New("secrets are still being sealed under another key: give all servers the new keys, restart them, and rotate again")

// Run rewraps what stands in the places. It tells how many secrets it has seen of how many.
// What cannot be opened does not stop it; all else that goes wrong does.
func Run(ctx context.Context, url string, vault *secret.Vault, places []secret.Place, report func(done, total int)) (Result, error) {
	r := &run{url: url, vault: vault, report: report}
	for _, p := range places {
		if err := r.count(ctx, p); err != nil {
			return r.result, err
		}
	}
	for _, p := range places {
		if err := r.settle(ctx, p); err != nil {
			return r.result, err
		}
	}
	return r.result, nil
}

type run struct {
	url    string
	vault  *secret.Vault
	report func(done, total int)
	done   int
	result Result
}

// as runs do on a connection that has taken on the place's role.
func (r *run) as(ctx context.Context, p secret.Place, do func(*pgx.Conn) error) error {
	conn, err := postgres.Connect(ctx, r.url, p.Role)
	if err == nil {
		defer conn.Close(context.WithoutCancel(ctx))
		err = do(conn)
	}
	if err != nil {
		return fmt.Errorf("rotate %s.%s: %w", p.Table, p.Column, err)
	}
	return nil
}

func (r *run) count(ctx context.Context, p secret.Place) error {
	ctx, cancel := context.WithTimeout(ctx, batchWithin)
	defer cancel()
	return r.as(ctx, p, func(conn *pgx.Conn) error {
		var n int
		err := conn.QueryRow(ctx, countQuery(p)).Scan(&n)
		r.result.Secrets += n
		return err
	})
}

// settle goes over a place until there was nothing to do: what another process has sealed
// meanwhile is found by the next pass, and the last one has seen that all are as they should.
func (r *run) settle(ctx context.Context, p secret.Place) error {
	return r.as(ctx, p, func(conn *pgx.Conn) error {
		first := r.done
		for range maxPasses {
			pass := &pass{run: r, place: p, conn: conn, first: first}
			if err := pass.all(ctx); err != nil {
				return err
			}
			if pass.stale == 0 {
				r.keep(pass)
				return nil
			}
		}
		return errBusy
	})
}

// keep takes over what the last pass could not open.
func (r *run) keep(p *pass) {
	r.result.Failed += p.failed
	room := min(len(p.failures), maxFailures-len(r.result.Failures))
	r.result.Failures = append(r.result.Failures, p.failures[:room]...)
}
