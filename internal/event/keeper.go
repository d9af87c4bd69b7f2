package event

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// RememberFor is for how long a message id is known at least, so that its repeats are.
const RememberFor = 8 * 24 * time.Hour

const (
	expireAtOnce = 20_000 // message ids in one transaction
	monthsAhead  = 3      // partitions there are before they are needed, this month's included
)

// Keeper does what the tables of events need in the long run.
type Keeper struct{ worker *postgres.Worker }

// NewKeeper makes a keeper.
func NewKeeper(worker *postgres.Worker) *Keeper { return &Keeper{worker} }

// MakePartitions makes those of the coming months, so that no event has to wait for one.
func (k *Keeper) MakePartitions(ctx context.Context) error {
	return k.worker.InTx(ctx, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().EventClock(ctx, tx)
		if err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		year, month, _ := now.UTC().Date()
		for ahead := range monthsAhead {
			first := calendar.NewDate(year, month+time.Month(ahead), 1)
			if _, err := dbsqlc.New().EventPartitionEnsure(ctx, tx, first); err != nil {
				return fmt.Errorf("make partition of %s: %w", first, err)
			}
		}
		return nil
	})
}

// ForgetMessages forgets the ids that are past the time of dedup, some at a time.
func (k *Keeper) ForgetMessages(ctx context.Context) error {
	keep := pgtype.Interval{Microseconds: RememberFor.Microseconds(), Valid: true}
	for {
		var forgotten int64
		err := k.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			forgotten, err = dbsqlc.New().MessageExpire(ctx, tx, dbsqlc.MessageExpireParams{Keep: keep, Most: expireAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("forget messages: %w", err)
		}
		if forgotten < expireAtOnce {
			return nil
		}
	}
}
