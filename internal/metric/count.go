package metric

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// counters are the two ways to count the same: whole for who sees all of the tenant's rows,
// and seen for who sees some alone.
type counters struct {
	whole interface {
		read(ctx context.Context, db dbsqlc.DBTX, g Grid, column string) (*Table, error)
	}
	seen counter
}

// read counts into a table of one column. Who sees some rows is answered from events alone:
// the way for all rows would be refused to them.
func (c counters) read(ctx context.Context, db dbsqlc.DBTX, g Grid, column string) (*Table, error) {
	if !g.narrowed {
		return c.whole.read(ctx, db, g, column)
	}
	t := NewTable(g, column)
	t.Sources = Raw
	return t, c.seen(ctx, db, g.cover(), t.Columns[column][0])
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
}

// place puts the figures in their places; buckets without a row stay as they are.
func place[Row ~struct {
	Bucket int32
	N      int64
}](counts []float64, rows []Row) {
	for _, r := range rows {
		c := bucketCount(r)
		counts[c.Bucket] = float64(c.N)
	}
}

// The figures that are materialized of a closed day.
var (
	dailyEvents = &daily{
		figure: func(d *dbsqlc.ClosedDayListRow) int64 { return d.Events }, adds: true, edges: true, afresh: []counter{countEvents, cutsOf(nil)},
	}
	dailyUsers = &daily{ // uniques don't add up
		figure: func(d *dbsqlc.ClosedDayListRow) int64 { return d.ActiveUsers }, edges: true, afresh: []counter{countActiveUsers},
	}
	dailyNewUsers = &daily{
		figure: func(d *dbsqlc.ClosedDayListRow) int64 { return d.NewUsers }, adds: true, afresh: []counter{countNewUsers},
	}
)

// countEvents counts the events of whole quarter hours.
func countEvents(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
	slots := listsOf(slices.Concat(c.days, c.slots))
	if len(slots.buckets) == 0 {
		return nil
	}
	rows, err := dbsqlc.New().EventCountByBucket(ctx, db, dbsqlc.EventCountByBucketParams{
		Buckets: slots.buckets, Starts: slots.starts, Ends: slots.ends,
	})
	if err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	place(counts, rows)
	return nil
}

// cutsOf counts the events of parts of quarter hours, of some types or all.
func cutsOf(types []string) counter {
	return func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
		if len(c.raw) == 0 {
			return nil
		}
		raw := listsOf(c.raw)
		rows, err := dbsqlc.New().EventCutByBucket(ctx, db, dbsqlc.EventCutByBucketParams{
			Buckets: raw.buckets, Starts: raw.starts, Ends: raw.ends, Types: types,
		})
		if err != nil {
			return fmt.Errorf("count events of cut quarter hours: %w", err)
		}
		for _, r := range rows {
			counts[r.Bucket] += float64(r.N)
		}
		return nil
	}
}

// countEventsOf counts the events of some types.
func countEventsOf(types []string) counters {
	if types == nil {
		return counters{dailyEvents, countSeenOf(nil)}
	}
	return counters{ofTypes(types), countSeenOf(types)}
}

// ofTypes counts the events of some types, closed days from their view by type.
type ofTypes []string

func (o ofTypes) read(ctx context.Context, db dbsqlc.DBTX, g Grid, column string) (*Table, error) {
	t, c := NewTable(g, column), g.kept()
	days, slots := listsOf(c.days), listsOf(c.slots)
	rows, err := dbsqlc.New().EventCountByBucketOfTypes(ctx, db, dbsqlc.EventCountByBucketOfTypesParams{
		Types:      o,
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
	})
	if err != nil {
		return nil, fmt.Errorf("count events of types: %w", err)
	}
	closed := 0
	for _, r := range rows {
		t.Columns[column][0][r.Bucket] = float64(r.N)
		closed += int(r.Closed)
	}
	t.Sources = c.sources(closed)
	return t, cutsOf(o)(ctx, db, c, t.Columns[column][0])
}

// countActiveUsers counts the distinct users of each bucket.
func countActiveUsers(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	p := dbsqlc.PresenceDistinctByCutBucketParams{
		DayBuckets: days.buckets, Days: days.days,
		MaskBuckets: slots.buckets, MaskDays: slots.days, Masks: masksOf(c.slots),
		RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
	}
	if len(c.raw) > 0 {
		rows, err := dbsqlc.New().PresenceDistinctByCutBucket(ctx, db, p)
		if err != nil {
			return fmt.Errorf("count distinct users of cut quarter hours: %w", err)
		}
		place(counts, rows)
		return nil
	}
	rows, err := dbsqlc.New().PresenceDistinctByBucket(ctx, db, dbsqlc.PresenceDistinctByBucketParams{
		DayBuckets: p.DayBuckets, Days: p.Days, MaskBuckets: p.MaskBuckets, MaskDays: p.MaskDays, Masks: p.Masks,
	})
	if err != nil {
		return fmt.Errorf("count distinct users: %w", err)
	}
	place(counts, rows)
	return nil
}

// countNewUsers needs no events at the edges: a person's first instant is kept.
func countNewUsers(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
	parts := listsOf(slices.Concat(c.days, c.slots, c.raw))
	rows, err := dbsqlc.New().IdentityNewByBucket(ctx, db, dbsqlc.IdentityNewByBucketParams{
		Buckets: parts.buckets, Starts: parts.starts, Ends: parts.ends,
	})
	if err != nil {
		return fmt.Errorf("count new users: %w", err)
	}
	place(counts, rows)
	return nil
}
