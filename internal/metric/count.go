package metric

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// counter fills in the figure of each bucket that the cover puts together.
type counter func(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error

// counters are the two ways to count the same: whole for who sees all of the tenant's rows,
// and seen for who sees some alone.
type counters struct{ whole, seen counter }

// of chooses by who asks. The one for all rows would be refused to who sees some.
func (c counters) of(w Window) counter {
	if w.narrowed {
		return c.seen
	}
	return c.whole
}

// bucketCount is what every counting query gives: rows of one shape under several names.
type bucketCount struct {
	Bucket int32
	N      int64
}

// place puts the figures in their places; buckets without a row stay 0.
func place[Row ~struct {
	Bucket int32
	N      int64
}](counts []float64, rows []Row) {
	for _, r := range rows {
		c := bucketCount(r)
		counts[c.Bucket] = float64(c.N)
	}
}

func countEvents(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	c = c.kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().EventCountByBucket(ctx, tx, dbsqlc.EventCountByBucketParams{
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
		RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
	})
	if err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	place(counts, rows)
	return nil
}

// countEventsOf counts the events of some types.
func countEventsOf(types []string) counters {
	if types == nil {
		return counters{countEvents, countSeenEvents}
	}
	return counters{countWholeOf(types), countSeenOf(types)}
}

func countWholeOf(types []string) counter {
	return func(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
		c = c.kept()
		days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
		rows, err := dbsqlc.New().EventCountByBucketOfTypes(ctx, tx, dbsqlc.EventCountByBucketOfTypesParams{
			Types:      types,
			DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
			SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
			RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
		})
		if err != nil {
			return fmt.Errorf("count events of types: %w", err)
		}
		place(counts, rows)
		return nil
	}
}

// countActiveUsers counts buckets of one day from what is materialized, and the distinct
// users of all others afresh, since uniques don't add up.
func countActiveUsers(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	single, rest := c.kept().singleDays()
	if len(single) > 0 {
		days := listsOf(single)
		rows, err := dbsqlc.New().PresenceDayCountByBucket(ctx, tx, dbsqlc.PresenceDayCountByBucketParams{
			Buckets: days.buckets, Days: days.days,
		})
		if err != nil {
			return fmt.Errorf("count users by day: %w", err)
		}
		place(counts, rows)
	}
	if rest.empty() {
		return nil
	}
	return countDistinctUsers(ctx, tx, rest, counts)
}

func countDistinctUsers(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().PresenceDistinctByBucket(ctx, tx, dbsqlc.PresenceDistinctByBucketParams{
		DayBuckets: days.buckets, Days: days.days,
		MaskBuckets: slots.buckets, MaskDays: slots.days, Masks: masksOf(c.slots),
		RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
	})
	if err != nil {
		return fmt.Errorf("count distinct users: %w", err)
	}
	place(counts, rows)
	return nil
}

// countNewUsers needs no events at the edges: a person's first instant is kept.
func countNewUsers(ctx context.Context, tx pgx.Tx, c cover, counts []float64) error {
	days, parts := listsOf(c.days), listsOf(slices.Concat(c.slots, c.raw))
	rows, err := dbsqlc.New().IdentityNewByBucket(ctx, tx, dbsqlc.IdentityNewByBucketParams{
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		PartBuckets: parts.buckets, PartStarts: parts.starts, PartEnds: parts.ends,
	})
	if err != nil {
		return fmt.Errorf("count new users: %w", err)
	}
	place(counts, rows)
	return nil
}
