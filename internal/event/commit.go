package event

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// attempts is how often a transaction runs that the server undoes for another's sake, or for
// that of a message that was stored before: the first run hopes that there is none.
const attempts = 3

// commit writes the requests in one transaction and answers each. If the server refuses
// a value, which the checks should have found, the requests are written one by one, and
// then the events, so that the one at fault takes nobody along.
func (w *Writer) commit(ctx context.Context, id tenant.ID, requests []*request) {
	var rows []row
	for _, r := range requests {
		rows = append(rows, r.rows...)
	}
	err := w.transact(ctx, id, rows)
	if postgres.Refused(err) {
		if len(requests) > 1 {
			for _, r := range requests {
				w.commit(ctx, id, []*request{r})
			}
			return
		}
		err = w.isolate(ctx, id, rows)
	}
	for _, r := range requests {
		r.done <- err
	}
}

// isolate halves rows that were refused until the one at fault stands alone, and rejects it.
func (w *Writer) isolate(ctx context.Context, id tenant.ID, rows []row) error {
	if len(rows) == 1 {
		*rows[0].verdict = refused(rows[0].MessageID)
		return nil
	}
	for _, half := range [][]row{rows[:len(rows)/2], rows[len(rows)/2:]} {
		err := w.transact(ctx, id, half)
		if postgres.Refused(err) {
			err = w.isolate(ctx, id, half)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) transact(ctx context.Context, id tenant.ID, rows []row) error {
	return w.transactWithin(ctx, id, rows, func(_ pgx.Tx, store func() error) error { return store() })
}

// transactWithin has within store the rows in the middle of what else it does in the
// transaction.
func (w *Writer) transactWithin(ctx context.Context, id tenant.ID, rows []row, within func(tx pgx.Tx, store func() error) error) error {
	zone, err := w.zone(ctx, id)
	if err != nil {
		return err
	}
	for attempt := range attempts {
		err = w.app.InTenant(ctx, id, func(tx pgx.Tx) error {
			return within(tx, func() error {
				// A copy, since a second run starts from the rows as they were given.
				return store(ctx, tx, zone, &w.months, attempt > 0, slices.Clone(rows))
			})
		})
		if postgres.NoPartition(err, "event") {
			w.months.forget() // one was dropped since it was seen
			continue
		}
		if !postgres.RolledBack(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("store %d events: %w", len(rows), err)
	}
	return nil
}

func (w *Writer) zoneName(ctx context.Context, id tenant.ID) (name string, err error) {
	err = w.app.Read(ctx, id, func(tx pgx.Tx) error {
		t, err := dbsqlc.New().TenantGet(ctx, tx)
		name = t.Zone
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read zone of tenant: %w", err)
	}
	return name, nil
}
