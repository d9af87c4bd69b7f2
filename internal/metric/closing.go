package metric

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// restFactor keeps refreshing from taking more than a tenth of the time: late events make
// some closed day out of date nearly always, and reading it from the rollups is exact.
const restFactor = 9

// Closer closes the days that are over and materializes them. Several may run: one works.
type Closer struct {
	worker *postgres.Worker
	logger *slog.Logger
	rest   time.Time // not before this
}

// NewCloser makes a closer.
func NewCloser(worker *postgres.Worker, logger *slog.Logger) *Closer {
	return &Closer{worker: worker, logger: logger}
}

// Close moves every tenant's closed days on to the end of yesterday, in its own zone, and
// refreshes the views if a closed day in them is out of date.
func (c *Closer) Close(ctx context.Context) error {
	if time.Now().Before(c.rest) {
		return nil
	}
	start := time.Now()
	refreshed, err := c.close(ctx)
	if err != nil {
		return fmt.Errorf("close days: %w", err)
	}
	if refreshed > 0 {
		took := time.Since(start)
		c.rest = time.Now().Add(restFactor * took)
		c.logger.InfoContext(ctx, "closed days were materialized", "stale", refreshed, "took", took)
	}
	return nil
}

func (c *Closer) close(ctx context.Context) (refreshed int64, err error) {
	queries := dbsqlc.New()
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		if ours, err := queries.ClosingTryLock(ctx, tx); err != nil || !ours {
			return err
		}
		if err := advance(ctx, tx); err != nil {
			return err
		}
		if filled, err := fill(ctx, tx); err != nil || filled {
			return err
		}
		count, err := queries.ClosingStaleCount(ctx, tx)
		if err != nil || count.Stale == 0 {
			return err
		}
		refreshed = count.Stale
		whose, err := queries.ClosingStaleTenants(ctx, tx)
		if err != nil {
			return err
		}
		if err := queries.ClosingRefreshDayTotal(ctx, tx); err != nil {
			return fmt.Errorf("refresh day_total: %w", err)
		}
		if err := queries.ClosingRefreshDayType(ctx, tx); err != nil {
			return fmt.Errorf("refresh day_type: %w", err)
		}
		ids := make([]uuid.UUID, len(whose))
		for i, id := range whose {
			ids[i] = uuid.UUID(id)
		}
		// No figure changes by it, but an answer also says where its figures come from.
		return queries.DataRevisionBump(ctx, tx, dbsqlc.DataRevisionBumpParams{Subject: string(topic.Day), TenantIds: ids})
	})
	return refreshed, err
}

// fill refreshes views that have never been filled, as after a restore: not concurrently,
// since nobody can read them anyway.
func fill(ctx context.Context, tx pgx.Tx) (filled bool, err error) {
	queries := dbsqlc.New()
	if empty, err := queries.ClosingViewsEmpty(ctx, tx); err != nil || !empty {
		return false, err
	}
	if err := queries.ClosingFillDayTotal(ctx, tx); err != nil {
		return false, fmt.Errorf("fill day_total: %w", err)
	}
	if err := queries.ClosingFillDayType(ctx, tx); err != nil {
		return false, fmt.Errorf("fill day_type: %w", err)
	}
	return true, nil
}

func advance(ctx context.Context, tx pgx.Tx) error {
	queries := dbsqlc.New()
	now, err := queries.EventClock(ctx, tx)
	if err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	tenants, err := queries.TenantList(ctx, tx)
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	for _, t := range tenants {
		zone, err := calendar.LoadZone(t.Zone)
		if err != nil {
			return fmt.Errorf("load zone of tenant %s: %w", t.TenantID, err)
		}
		_, err = queries.ClosingAdvance(ctx, tx, dbsqlc.ClosingAdvanceParams{
			TenantID: t.TenantID, ClosedBefore: zone.DateOf(now),
		})
		if err != nil {
			return fmt.Errorf("advance closing of tenant %s: %w", t.TenantID, err)
		}
	}
	return nil
}
