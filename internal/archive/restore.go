package archive

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Restore asks for a range of raw events back. The months that it touches come back whole.
type Restore struct {
	Tenant   tenant.ID
	From, To time.Time     // half-open
	Keep     time.Duration // how long they stay at least
}

func (r Restore) check() error {
	if !r.From.Before(r.To) {
		return fault.Input("to", "A range ends after it starts.")
	}
	if r.Keep <= 0 {
		return fault.Input("keep-days", "What is restored stays for a day at least.")
	}
	return nil
}

// Restore brings events back as they were, and tells how many were not there. It changes
// nothing else: what was counted of them has stayed. Run again, it doubles nothing.
func (a *Archive) Restore(ctx context.Context, r Restore, report func(done, total int)) (restored int64, err error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	err = a.alone(ctx, r.Tenant, func(ctx context.Context) error {
		if err := a.tidy(ctx, r.Tenant); err != nil {
			return err
		}
		parts, err := a.parts(ctx, dbsqlc.ArchivePartListParams{
			TenantID: r.Tenant, FirstMonth: monthOf(r.From), LastMonth: monthOf(r.To.Add(-time.Microsecond)),
		})
		if err != nil {
			return err
		}
		done, total := 0, eventsOf(parts)
		for _, p := range parts {
			n, err := a.restorePart(ctx, p, r.Keep, func(events int) { done += events; report(done, total) })
			restored += n
			if err != nil {
				return fmt.Errorf("restore %s: %w", p.Path, err)
			}
		}
		return nil
	})
	return restored, err
}

func eventsOf(parts []Part) (events int) {
	for _, p := range parts {
		events += int(p.Events)
	}
	return events
}

func (a *Archive) parts(ctx context.Context, which dbsqlc.ArchivePartListParams) (parts []Part, err error) {
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		parts, err = dbsqlc.New().ArchivePartList(ctx, tx, which)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	return parts, nil
}

func (a *Archive) restorePart(ctx context.Context, p Part, keep time.Duration, report func(events int)) (restored int64, err error) {
	queries := dbsqlc.New()
	err = a.withRead(ctx, p, func(file *os.File) error {
		// First, so that no run takes what is half restored for new events.
		err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
			return one(queries.ArchivePartRestoring(ctx, tx, dbsqlc.ArchivePartRestoringParams{
				Keep:     pgtype.Interval{Microseconds: keep.Microseconds(), Valid: true},
				TenantID: p.TenantID, Month: p.Month, Part: p.Part,
			}))
		})
		if err != nil {
			return err
		}
		return eachBatch(file, func(rows []row) error {
			n, err := a.insert(ctx, p, rows)
			restored += n
			report(len(rows))
			return err
		})
	})
	if err != nil {
		return restored, err
	}
	return restored, a.worker.InTx(ctx, func(tx pgx.Tx) error {
		return one(queries.ArchivePartRestored(ctx, tx, dbsqlc.ArchivePartRestoredParams{TenantID: p.TenantID, Month: p.Month, Part: p.Part}))
	})
}

// insert puts rows into the database, except those that are there.
func (a *Archive) insert(ctx context.Context, p Part, rows []row) (inserted int64, err error) {
	queries := dbsqlc.New()
	params := make([]dbsqlc.ArchiveEventRestoreParams, len(rows))
	for i, r := range rows {
		params[i] = r.toDatabase(p.TenantID)
	}
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := queries.EventPartitionEnsure(ctx, tx, p.Month); err != nil {
			return fmt.Errorf("ensure partition: %w", err)
		}
		var failed error
		queries.ArchiveEventRestore(ctx, tx, params).Query(func(_ int, ids []int64, err error) {
			if err != nil && failed == nil {
				failed = err
			}
			inserted += int64(len(ids))
		})
		return failed
	})
	return inserted, err
}
