package revenue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// restFactor keeps refreshing from taking more than a tenth of the time: late facts make quarters
// out of date, and reading what moved instead is exact.
const restFactor = 9

// Opener materializes what MRR stood at as the quarters of the past began. Several may run: one
// works.
type Opener struct {
	worker *postgres.Worker
	logger *slog.Logger
	rest   time.Time // not before this
}

// NewOpener makes an opener.
func NewOpener(worker *postgres.Worker, logger *slog.Logger) *Opener {
	return &Opener{worker: worker, logger: logger}
}

// Refresh refreshes the view if a quarter in it is out of date, or missing.
func (o *Opener) Refresh(ctx context.Context) error {
	if time.Now().Before(o.rest) {
		return nil
	}
	start := time.Now()
	refreshed, err := o.refresh(ctx)
	if err != nil {
		return fmt.Errorf("open quarters: %w", err)
	}
	if refreshed > 0 {
		took := time.Since(start)
		o.rest = time.Now().Add(restFactor * took)
		o.logger.InfoContext(ctx, "the quarters of revenue were materialized", "stale", refreshed, "took", took)
	}
	return nil
}

func (o *Opener) refresh(ctx context.Context) (refreshed int64, err error) {
	queries := dbsqlc.New()
	err = o.worker.InTx(ctx, func(tx pgx.Tx) error {
		if ours, err := queries.OpeningTryLock(ctx, tx); err != nil || !ours {
			return err
		}
		if empty, err := queries.OpeningEmpty(ctx, tx); err != nil || empty.Bool {
			if err != nil {
				return err
			}
			return queries.OpeningFill(ctx, tx)
		}
		count, err := queries.OpeningStaleCount(ctx, tx)
		if err != nil || count.Stale == 0 {
			return err
		}
		refreshed = count.Stale
		return queries.OpeningRefresh(ctx, tx)
	})
	return refreshed, err
}
