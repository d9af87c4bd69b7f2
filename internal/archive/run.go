package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Due is a month of a tenant's raw events that is past the retention.
type Due struct {
	Tenant tenant.ID
	Month  calendar.Date
	Events int64
}

// Keep does all that is due, for every tenant that no other process is at. One tenant's
// failure does not keep the others waiting.
func (a *Archive) Keep(ctx context.Context) error {
	tenants, err := access.Tenants(ctx, a.worker)
	if err != nil {
		return err
	}
	var failures []error
	for _, t := range tenants {
		if err := a.Run(ctx, t, func(int) {}); !errors.Is(err, errBusy) {
			failures = append(failures, err)
		}
	}
	return errors.Join(append(failures, a.dropPartitions(ctx))...)
}

// Run does all that is due for one tenant, and reports how many events have been moved.
func (a *Archive) Run(ctx context.Context, t dbsqlc.TenantListRow, report func(events int)) error {
	return a.alone(ctx, t.TenantID, func(ctx context.Context) error {
		if err := a.tidy(ctx, t.TenantID); err != nil {
			return err
		}
		kept, ok, err := a.keptFrom(ctx, t)
		if err != nil || !ok {
			return err
		}
		if err := a.dropRestored(ctx, t.TenantID, kept); err != nil {
			return err
		}
		months, err := a.dueMonths(ctx, t.TenantID, kept)
		if err != nil {
			return err
		}
		for _, month := range months {
			began := time.Now()
			events, err := a.exportMonth(ctx, t.TenantID, month, report)
			if err != nil {
				return err
			}
			a.logger.InfoContext(ctx, "a month was archived", "tenant", t.TenantID.String(), "month", month.String()[:7], "events", events, "took", time.Since(began))
		}
		return nil
	})
}

// Plan says what Run would move, and moves nothing.
func (a *Archive) Plan(ctx context.Context, t dbsqlc.TenantListRow) ([]Due, error) {
	kept, ok, err := a.keptFrom(ctx, t)
	if err != nil || !ok {
		return nil, err
	}
	months, err := a.dueMonths(ctx, t.TenantID, kept)
	if err != nil {
		return nil, err
	}
	plan := make([]Due, len(months))
	for i, month := range months {
		plan[i] = Due{Tenant: t.TenantID, Month: month}
		starts, ends := span(month)
		err := a.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			plan[i].Events, err = dbsqlc.New().ArchiveEventCount(ctx, tx, dbsqlc.ArchiveEventCountParams{TenantID: t.TenantID, Starts: starts, Ends: ends})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("count events: %w", err)
		}
	}
	return plan, nil
}

// keptFrom is the first month that a tenant keeps, by the database's clock; not ok if it
// keeps all.
func (a *Archive) keptFrom(ctx context.Context, t dbsqlc.TenantListRow) (month calendar.Date, ok bool, err error) {
	if !t.EventRetentionMonths.Valid {
		return 0, false, nil
	}
	now, err := a.clock(ctx)
	return keptFrom(now, int(t.EventRetentionMonths.Int32)), err == nil, err
}

func (a *Archive) clock(ctx context.Context) (now time.Time, err error) {
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		now, err = dbsqlc.New().EventClock(ctx, tx)
		return err
	})
	if err != nil {
		return now, fmt.Errorf("read clock: %w", err)
	}
	return now, nil
}

// dueMonths lists the months before the first that is kept in which a tenant has raw events.
func (a *Archive) dueMonths(ctx context.Context, id tenant.ID, kept calendar.Date) (months []calendar.Date, err error) {
	all, err := a.partitions(ctx)
	if err != nil {
		return nil, err
	}
	query := dbsqlc.ArchiveMonthListParams{TenantID: id}
	for _, month := range all {
		if month < kept {
			starts, ends := span(month)
			query.Months, query.Starts, query.Ends = append(query.Months, month), append(query.Starts, starts), append(query.Ends, ends)
		}
	}
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		months, err = dbsqlc.New().ArchiveMonthList(ctx, tx, query)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list months that are due: %w", err)
	}
	return months, nil
}

func (a *Archive) partitions(ctx context.Context) (months []calendar.Date, err error) {
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().EventPartitionList(ctx, tx)
		for _, m := range list {
			months = append(months, monthOf(m.Time))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	return months, nil
}

// dropRestored drops again what was brought back and is not kept any longer: exactly the
// events that the archive has, be they still there or not. Others stay, for another part.
func (a *Archive) dropRestored(ctx context.Context, id tenant.ID, kept calendar.Date) error {
	var parts []Part
	err := a.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		parts, err = dbsqlc.New().ArchivePartListExpired(ctx, tx, dbsqlc.ArchivePartListExpiredParams{TenantID: id, Before: kept})
		return err
	})
	if err != nil {
		return fmt.Errorf("list restored parts: %w", err)
	}
	for _, p := range parts {
		err := a.withRead(ctx, p, func(file *os.File) error {
			return a.worker.InTx(ctx, func(tx pgx.Tx) error {
				if _, err := deleteRead(ctx, tx, p, file); err != nil {
					return err
				}
				return one(dbsqlc.New().ArchivePartDropped(ctx, tx, dbsqlc.ArchivePartDroppedParams{
					TenantID: p.TenantID, Month: p.Month, Part: p.Part, Was: p.State,
				}))
			})
		})
		if err != nil {
			return fmt.Errorf("drop what was restored of %s: %w", p.Path, err)
		}
	}
	return nil
}

// dropPartitions drops those of past months that no tenant has events in any more.
func (a *Archive) dropPartitions(ctx context.Context) error {
	now, err := a.clock(ctx)
	if err != nil {
		return err
	}
	months, err := a.partitions(ctx)
	if err != nil {
		return err
	}
	for _, month := range months {
		if month >= keptFrom(now, access.MinEventRetention) {
			continue
		}
		if err := a.dropPartition(ctx, month); err != nil {
			return fmt.Errorf("drop partition of %s: %w", month, err)
		}
	}
	return nil
}

func (a *Archive) dropPartition(ctx context.Context, month calendar.Date) error {
	starts, ends := span(month)
	return a.worker.InTx(ctx, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		holds, err := queries.EventRangeHolds(ctx, tx, dbsqlc.EventRangeHoldsParams{Starts: starts, Ends: ends})
		if err != nil || holds {
			return err
		}
		_, err = queries.EventPartitionDrop(ctx, tx, month)
		return err
	})
}
