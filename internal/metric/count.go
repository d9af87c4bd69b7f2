package metric

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// counter fills in the figure of each bucket that the cover puts together, and says how many
// days of it came from their view.
type counter func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (closed int, err error)

// counters are the two ways to count the same: whole for who sees all of the tenant's rows,
// and seen for who sees some alone.
type counters struct{ whole, seen counter }

// read counts into a table of one column. Who sees some rows is answered from events alone:
// the way for all rows would be refused to them.
func (c counters) read(ctx context.Context, db dbsqlc.DBTX, g Grid, column string) (*Table, error) {
	t, pieces := NewTable(g, column), g.cover()
	if g.narrowed {
		t.Sources = Raw
		_, err := c.seen(ctx, db, pieces, t.Columns[column][0])
		return t, err
	}
	closed, err := c.whole(ctx, db, pieces, t.Columns[column][0])
	t.Sources = pieces.kept().sources(closed)
	return t, err
}

// sources are those that the cover is read from, if so many of its days come from their view.
func (c cover) sources(closed int) (s Sources) {
	if closed > 0 {
		s |= Materialized
	}
	if len(c.slots) > 0 || len(c.days) > closed {
		s |= Open
	}
	if len(c.raw) > 0 {
		s |= Raw
	}
	return s
}

// bucketCount is what every counting query gives: rows of one shape under several names.
type bucketCount struct {
	Bucket int32
	N      int64
	Closed int64
}

// place puts the figures in their places; buckets without a row stay 0.
func place[Row ~struct {
	Bucket int32
	N      int64
	Closed int64
}](counts []float64, rows []Row) (closed int) {
	for _, r := range rows {
		c := bucketCount(r)
		counts[c.Bucket] = float64(c.N)
		closed += int(c.Closed)
	}
	return closed
}

func countEvents(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (int, error) {
	c = c.kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().EventCountByBucket(ctx, db, dbsqlc.EventCountByBucketParams{
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
		RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
	})
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return place(counts, rows), nil
}

// countEventsOf counts the events of some types.
func countEventsOf(types []string) counters {
	if types == nil {
		return counters{countEvents, countSeenEvents}
	}
	return counters{countWholeOf(types), countSeenOf(types)}
}

func countWholeOf(types []string) counter {
	return func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (int, error) {
		c = c.kept()
		days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
		rows, err := dbsqlc.New().EventCountByBucketOfTypes(ctx, db, dbsqlc.EventCountByBucketOfTypesParams{
			Types:      types,
			DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
			SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
			RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
		})
		if err != nil {
			return 0, fmt.Errorf("count events of types: %w", err)
		}
		return place(counts, rows), nil
	}
}

// countActiveUsers counts buckets of one day from what is materialized, and the distinct
// users of all others afresh, since uniques don't add up.
func countActiveUsers(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (closed int, err error) {
	single, rest := c.kept().singleDays()
	if len(single) > 0 {
		days := listsOf(single)
		rows, err := dbsqlc.New().PresenceDayCountByBucket(ctx, db, dbsqlc.PresenceDayCountByBucketParams{
			Buckets: days.buckets, Days: days.days,
		})
		if err != nil {
			return 0, fmt.Errorf("count users by day: %w", err)
		}
		closed = place(counts, rows)
	}
	if rest.empty() {
		return closed, nil
	}
	return closed, countDistinctUsers(ctx, db, rest, counts)
}

func countDistinctUsers(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().PresenceDistinctByBucket(ctx, db, dbsqlc.PresenceDistinctByBucketParams{
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
func countNewUsers(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (int, error) {
	days, parts := listsOf(c.days), listsOf(slices.Concat(c.slots, c.raw))
	rows, err := dbsqlc.New().IdentityNewByBucket(ctx, db, dbsqlc.IdentityNewByBucketParams{
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		PartBuckets: parts.buckets, PartStarts: parts.starts, PartEnds: parts.ends,
	})
	if err != nil {
		return 0, fmt.Errorf("count new users: %w", err)
	}
	return place(counts, rows), nil
}
