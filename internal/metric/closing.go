package metric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// restFactor keeps refreshing from taking more than a tenth of the time: late events make
// some closed day out of date nearly always, and reading it from the rollups is exact.
const restFactor = 9

// noteWithin bounds saying what became of a refresh, after whatever ended it.
const noteWithin = 5 * time.Second

// Closer closes the days that are over and materializes them. Several may run: one works.
type Closer struct {
	worker *postgres.Worker
	logger *slog.Logger
	rest   time.Time // not before this
	begun  []int64   // the refreshes of the transaction at work
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
	return c.run(ctx, dbsqlc.RefreshReasonNEEDED)
}

// RefreshOlder does the same where a view has not been refreshed for so long, whatever is out of
// date.
func (c *Closer) RefreshOlder(ctx context.Context, age time.Duration) error {
	due, err := c.older(ctx, age)
	if err != nil || !due {
		return err
	}
	return c.Refresh(ctx)
}

// Refresh does the same because it is time, whatever is out of date.
func (c *Closer) Refresh(ctx context.Context) error {
	return c.run(ctx, dbsqlc.RefreshReasonSCHEDULED)
}

func (c *Closer) run(ctx context.Context, reason dbsqlc.RefreshReason) error {
	start := time.Now()
	refreshed, err := c.close(ctx, reason)
	if len(c.begun) > 0 { // the transaction that they were in has ended
		err = errors.Join(err, c.end(ctx, c.begun, err))
		c.begun = nil
	}
	if err != nil {
		return fmt.Errorf("close days: %w", err)
	}
	kept, err := c.keep(ctx)
	if err != nil {
		return fmt.Errorf("keep days: %w", err)
	}
	if refreshed > 0 || kept > 0 {
		took := time.Since(start)
		c.rest = time.Now().Add(restFactor * took)
		c.logger.InfoContext(ctx, "closed days were materialized", "stale", refreshed, "kept", kept, "took", took)
	}
	return nil
}

func (c *Closer) close(ctx context.Context, reason dbsqlc.RefreshReason) (refreshed int64, err error) {
	queries := dbsqlc.New()
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		if ours, err := queries.ClosingTryLock(ctx, tx); err != nil || !ours {
			return err
		}
		if err := advance(ctx, tx); err != nil {
			return err
		}
		// After a restore views have never been filled.
		if empty, err := queries.ClosingViewsEmpty(ctx, tx); err != nil || empty {
			if err == nil {
				err = c.refreshAll(ctx, tx, dbsqlc.RefreshReasonFILLED, 0)
			}
			return err
		}
		count, err := queries.ClosingStaleCount(ctx, tx)
		if err != nil || count.Stale == 0 && reason == dbsqlc.RefreshReasonNEEDED {
			return err
		}
		refreshed = count.Stale
		whose, err := queries.ClosingStaleTenants(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.refreshAll(ctx, tx, reason, count.Stale); err != nil {
			return err
		}
		return tellKept(ctx, tx, whose...)
	})
	return refreshed, err
}

// tellKept counts what is kept of closed days as a change of them: no figure changes by it, but
// an answer also says where its figures come from. It comes last in a transaction, as whoever
// writes events of those tenants waits for it.
func tellKept(ctx context.Context, tx pgx.Tx, tenants ...tenant.ID) error {
	ids := make([]uuid.UUID, len(tenants))
	for i, id := range tenants {
		ids[i] = uuid.UUID(id)
	}
	err := dbsqlc.New().DataRevisionBump(ctx, tx, dbsqlc.DataRevisionBumpParams{Subject: string(topic.Day), TenantIds: ids})
	if err != nil {
		return fmt.Errorf("count what was kept as a change: %w", err)
	}
	return nil
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
