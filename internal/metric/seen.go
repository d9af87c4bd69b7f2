package metric

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Who sees some rows alone is answered from the events that they see: row security narrows
// those, and nothing that was worked out of them knows of conditions.

func countSeenEvents(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	return countSeenOf(nil)(ctx, tx, c, counts)
}

// countSeenOf counts the events of some types, or of all.
func countSeenOf(types []string) counter {
	return func(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
		rows, err := dbsqlc.New().NarrowedEventCountByBucket(ctx, tx, dbsqlc.NarrowedEventCountByBucketParams{
			Starts: c.starts, RangeFrom: c.from, RangeTo: c.to, Types: types,
		})
		if err != nil {
			return fmt.Errorf("count events that are seen: %w", err)
		}
		place(counts, rows)
		return nil
	}
}

func countSeenActiveUsers(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	rows, err := dbsqlc.New().NarrowedActiveUsersByBucket(ctx, tx, dbsqlc.NarrowedActiveUsersByBucketParams{
		Starts: c.starts, RangeFrom: c.from, RangeTo: c.to,
	})
	if err != nil {
		return fmt.Errorf("count active users of events that are seen: %w", err)
	}
	place(counts, rows)
	return nil
}

func countSeenNewUsers(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	rows, err := dbsqlc.New().NarrowedNewUsersByBucket(ctx, tx, dbsqlc.NarrowedNewUsersByBucketParams{
		Starts: c.starts, RangeFrom: c.from, RangeTo: c.to,
	})
	if err != nil {
		return fmt.Errorf("count new users of events that are seen: %w", err)
	}
	place(counts, rows)
	return nil
}

// countTypes counts the events of the cover by type, the most frequent first.
func countTypes(ctx context.Context, tx pgx.Tx, w Window, types []string, first int) ([]dbsqlc.EventTypeCountListRow, error) {
	if w.narrowed {
		return countSeenTypes(ctx, tx, w, types, first)
	}
	c := w.cover(w.whole()).kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	return dbsqlc.New().EventTypeCountList(ctx, tx, dbsqlc.EventTypeCountListParams{
		Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotStarts: slots.starts, SlotEnds: slots.ends,
		RawStarts: raw.starts, RawEnds: raw.ends,
		Types: types, Most: int64(first),
	})
}

func countSeenTypes(ctx context.Context, tx pgx.Tx, w Window, types []string, first int) ([]dbsqlc.EventTypeCountListRow, error) {
	rows, err := dbsqlc.New().NarrowedTypeCountList(ctx, tx, dbsqlc.NarrowedTypeCountListParams{
		RangeFrom: w.From, RangeTo: w.To, Types: types, Most: int64(first),
	})
	counts := make([]dbsqlc.EventTypeCountListRow, len(rows))
	for i, r := range rows {
		counts[i] = dbsqlc.EventTypeCountListRow(r)
	}
	return counts, err
}
