package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// HoldFor is for how long an event is held that nobody decides on.
const HoldFor = 30 * 24 * time.Hour

const expireAtOnce = 2_000 // events in one transaction

// ForgetHeld forgets the events that were put aside too long ago, some at a time, decided on
// or not.
func ForgetHeld(ctx context.Context, worker *postgres.Worker, keep time.Duration) error {
	interval := pgtype.Interval{Microseconds: keep.Microseconds(), Valid: true}
	for {
		var forgotten int64
		err := worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			forgotten, err = dbsqlc.New().QuarantinedEventExpire(ctx, tx, dbsqlc.QuarantinedEventExpireParams{Keep: interval, Most: expireAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("forget held events: %w", err)
		}
		if forgotten < expireAtOnce {
			return nil
		}
	}
}
