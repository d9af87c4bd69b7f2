package metric

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Who sees some rows alone is answered from the events that they see: row security narrows
// those, and nothing that was worked out of them knows of conditions.

func countSeenEvents(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (int, error) {
	return countSeenOf(nil)(ctx, db, c, counts)
}

// countSeenOf counts the events of some types, or of all.
func countSeenOf(types []string) counter {
	return func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) (int, error) {
		rows, err := dbsqlc.New().NarrowedEventCountByBucket(ctx, db, dbsqlc.NarrowedEventCountByBucketParams{
			Starts: c.starts, RangeFrom: c.from, RangeTo: c.to, Types: types,
		})
		if err != nil {
			return 0, fmt.Errorf("count events that are seen: %w", err)
		}
		return place(counts, rows), nil
	}
}

// countTypes counts the events of the cover by type, the most frequent first.
func countTypes(ctx context.Context, db dbsqlc.DBTX, w Window, types []string, first int) ([]dbsqlc.EventTypeCountListRow, error) {
	if w.narrowed {
		return countSeenTypes(ctx, db, w, types, first)
	}
	c := Grid{Window: w, Buckets: w.whole()}.cover().kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	return dbsqlc.New().EventTypeCountList(ctx, db, dbsqlc.EventTypeCountListParams{
		Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotStarts: slots.starts, SlotEnds: slots.ends,
		RawStarts: raw.starts, RawEnds: raw.ends,
		Types: types, Most: int64(first),
	})
}

func countSeenTypes(ctx context.Context, db dbsqlc.DBTX, w Window, types []string, first int) ([]dbsqlc.EventTypeCountListRow, error) {
	rows, err := dbsqlc.New().NarrowedTypeCountList(ctx, db, dbsqlc.NarrowedTypeCountListParams{
		RangeFrom: w.From, RangeTo: w.To, Types: types, Most: int64(first),
	})
	counts := make([]dbsqlc.EventTypeCountListRow, len(rows))
	for i, r := range rows {
		counts[i] = dbsqlc.EventTypeCountListRow(r)
	}
	return counts, err
}
