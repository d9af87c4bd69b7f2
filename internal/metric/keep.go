package metric

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// keptAtOnce is how many days of a tenant are worked out in one transaction: so many that
// neighbours share what they read, and so few that it takes seconds.
const keptAtOnce = 92

// keep works out what is kept of closed days and is not as the days are now: windows of active
// users, and sessions. What it does not get to is left for the next time.
func (c *Closer) keep(ctx context.Context) (kept int, err error) {
	var tenants []dbsqlc.TenantListRow
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		tenants, err = dbsqlc.New().TenantList(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("list tenants: %w", err)
	}
	for _, t := range tenants {
		zone, err := calendar.LoadZone(t.Zone)
		if err != nil {
			return kept, fmt.Errorf("load zone of tenant %s: %w", t.TenantID, err)
		}
		for _, work := range []func(context.Context, pgx.Tx, tenant.ID, calendar.Zone) (int, error){keepActivity, keepVisits} {
			n, err := c.keepOf(ctx, t.TenantID, func(tx pgx.Tx) (int, error) { return work(ctx, tx, t.TenantID, zone) })
			if err != nil {
				return kept, fmt.Errorf("keep days of tenant %s: %w", t.TenantID, err)
			}
			kept += n
		}
	}
	return kept, nil
}

// keepOf works in a transaction of its own, unless another worker does.
func (c *Closer) keepOf(ctx context.Context, id tenant.ID, work func(pgx.Tx) (int, error)) (kept int, err error) {
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		ours, err := dbsqlc.New().ClosingTryLock(ctx, tx)
		if err != nil || !ours {
			return err
		}
		if kept, err = work(tx); err != nil || kept == 0 {
			return err
		}
		return tellKept(ctx, tx, id)
	})
	return kept, err
}

func keepActivity(ctx context.Context, tx pgx.Tx, id tenant.ID, _ calendar.Zone) (int, error) {
	queries := dbsqlc.New()
	days, err := queries.ActivityStaleList(ctx, tx, dbsqlc.ActivityStaleListParams{TenantID: id, Most: keptAtOnce})
	if err != nil || len(days) == 0 {
		return 0, err
	}
	kept, err := queries.ActivityKeep(ctx, tx, dbsqlc.ActivityKeepParams{
		TenantID: id, Days: days, FirstDay: days[0], LastDay: days[len(days)-1],
	})
	return int(kept), err
}

// keepVisits leaves alone the days whose events are in the archive: what was kept of them
// before stands.
func keepVisits(ctx context.Context, tx pgx.Tx, id tenant.ID, zone calendar.Zone) (int, error) {
	queries := dbsqlc.New()
	since, err := queries.VisitRawSince(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	days, err := queries.VisitStaleList(ctx, tx, dbsqlc.VisitStaleListParams{
		TenantID: uuid.UUID(id), FirstDay: firstWhole(zone, since.Add(visitPause)), Most: keptAtOnce,
	})
	if err != nil {
		return 0, err
	}
	for i, day := range days {
		err := queries.VisitKeep(ctx, tx, dbsqlc.VisitKeepParams{
			TenantID: id, Day: day, Starts: zone.StartOf(day), Ends: zone.StartOf(day + 1),
		})
		if err != nil {
			return i, fmt.Errorf("keep sessions of %s: %w", day, err)
		}
	}
	return len(days), nil
}

// firstWhole is the first day that begins at an instant or after it.
func firstWhole(zone calendar.Zone, at time.Time) calendar.Date {
	day := zone.DateOf(at)
	if zone.StartOf(day).Before(at) {
		day++
	}
	return day
}
