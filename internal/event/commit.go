package event

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
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
	transact := func(rows []row) error {
		return w.transactWithin(ctx, id, rows, func(_ pgx.Tx, store func() error) error { return store() })
	}
	if len(requests) == 1 {
		_, err := isolate(requests[0].rows, transact)
		requests[0].done <- err
		return
	}
	var rows []row
	for _, r := range requests {
		rows = append(rows, r.rows...)
	}
	err := transact(rows)
	if postgres.Refused(err) {
		for _, r := range requests {
			w.commit(ctx, id, []*request{r})
		}
		return
	}
	for _, r := range requests {
		r.done <- err
	}
}

// isolate tries rows. Where the server refuses them it tries their halves, until the one at
// fault stands alone, which it rejects. It returns those that passed.
func isolate(rows []row, try func(rows []row) error) (passed []row, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err = try(rows)
	switch {
	case err == nil:
		return rows, nil
	case !postgres.Refused(err):
		return nil, err
	case len(rows) == 1:
		*rows[0].verdict = refused(rows[0].MessageID)
		return nil, nil
	}
	first, err := isolate(rows[:len(rows)/2], try)
	if err != nil {
		return nil, err
	}
	second, err := isolate(rows[len(rows)/2:], try)
	return append(first[:len(first):len(first)], second...), err
}

// refused is the verdict on an event that the checks let pass, and PostgreSQL does not.
func refused(messageID string) Verdict {
	return rejected(messageID, fault.Input("event", "The event has a value that cannot be stored."))
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
