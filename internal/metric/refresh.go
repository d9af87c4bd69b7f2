package metric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// keptRefreshes is how many refreshes of each view are remembered.
const keptRefreshes = 100

// refreshable is a view, and how it is refreshed: concurrently, or whole where nobody can read
// it anyway.
type refreshable struct {
	name          string
	refresh, fill func(*dbsqlc.Queries, context.Context, dbsqlc.DBTX) error
}

// views are all of them, in the order in which they are refreshed.
var views = []refreshable{
	{"day_total", (*dbsqlc.Queries).ClosingRefreshDayTotal, (*dbsqlc.Queries).ClosingFillDayTotal},
	{"day_type", (*dbsqlc.Queries).ClosingRefreshDayType, (*dbsqlc.Queries).ClosingFillDayType},
}

// refreshAll refreshes every view within the transaction, so that all of them change at once or
// none does, and writes beside it what becomes of each. Nobody else refreshes meanwhile.
func (c *Closer) refreshAll(ctx context.Context, tx pgx.Tx, reason dbsqlc.RefreshReason, stale int64) error {
	if err := c.abandon(ctx); err != nil {
		return err
	}
	for _, v := range views {
		id, err := c.begin(ctx, v, reason, stale)
		if err != nil {
			return err
		}
		c.begun = append(c.begun, id)
		do := v.refresh
		if reason == dbsqlc.RefreshReasonFILLED {
			do = v.fill
		}
		if err := do(dbsqlc.New(), ctx, tx); err != nil {
			return fmt.Errorf("refresh %s: %w", v.name, err)
		}
	}
	return nil
}

// older tells whether a view has not been refreshed to the end for so long.
func (c *Closer) older(ctx context.Context, age time.Duration) (due bool, err error) {
	err = c.beside(ctx, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().EventClock(ctx, tx)
		if err != nil {
			return err
		}
		last, err := dbsqlc.New().ViewRefreshLast(ctx, tx, viewNames())
		due = len(last) < len(views)
		for _, r := range last {
			due = due || r.DoneAt == nil || now.Sub(*r.DoneAt) >= age
		}
		return err
	})
	return due, err
}

func viewNames() []string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.name
	}
	return names
}

// abandon notes what a process left behind that ended while it refreshed.
func (c *Closer) abandon(ctx context.Context) error {
	return c.beside(ctx, func(tx pgx.Tx) error {
		return dbsqlc.New().ViewRefreshAbandon(ctx, tx, "The process that refreshed it has ended.")
	})
}

func (c *Closer) begin(ctx context.Context, v refreshable, reason dbsqlc.RefreshReason, stale int64) (id int64, err error) {
	err = c.beside(ctx, func(tx pgx.Tx) error {
		if err := dbsqlc.New().ViewRefreshForget(ctx, tx, keptRefreshes); err != nil {
			return err
		}
		id, err = dbsqlc.New().ViewRefreshBegin(ctx, tx, dbsqlc.ViewRefreshBeginParams{View: v.name, Reason: reason, StaleDays: stale})
		return err
	})
	return id, err
}

// end notes what became of refreshes; also where that was that ctx ended.
func (c *Closer) end(ctx context.Context, ids []int64, failed error) error {
	params := dbsqlc.ViewRefreshEndParams{State: dbsqlc.RefreshStateDONE}
	if failed != nil {
		why := reasonOf(failed)
		params.State, params.Error = dbsqlc.RefreshStateFAILED, &why
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	return c.beside(ctx, func(tx pgx.Tx) error {
		for _, id := range ids {
			params.RefreshID = id
			if err := dbsqlc.New().ViewRefreshEnd(ctx, tx, params); err != nil {
				return err
			}
		}
		return nil
	})
}

// beside runs fn in a transaction of its own, which others see while the refresh goes on.
func (c *Closer) beside(ctx context.Context, fn func(tx pgx.Tx) error) error {
	if err := c.worker.InTx(ctx, fn); err != nil {
		return fmt.Errorf("note refresh: %w", err)
	}
	return nil
}

// reasonOf says what tenants may know of why a refresh failed. The log has the rest.
func reasonOf(err error) string {
	f, _ := fault.Of(err)
	switch {
	case errors.Is(err, context.Canceled):
		return "The process that refreshed it was stopped."
	case errors.Is(err, context.DeadlineExceeded) || f != nil && f.Code == fault.Timeout:
		return "It took too long."
	case f != nil && f.Code == fault.Unavailable:
		return "The database was not available, or ended the refresh."
	}
	return "It could not be refreshed. The server's log has the reason."
}
