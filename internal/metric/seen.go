package metric

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Who sees some rows alone is answered from the events that they see: row security narrows
// those, and nothing that was worked out of them knows of conditions.

// countSeenOf counts the events of some types, or of all.
func countSeenOf(types []string) counter {
	return func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error {
		rows, err := dbsqlc.New().NarrowedEventCountByBucket(ctx, db, dbsqlc.NarrowedEventCountByBucketParams{
			Starts: c.starts, RangeFrom: c.from, RangeTo: c.to, Types: types,
		})
		if err != nil {
			return fmt.Errorf("count events that are seen: %w", err)
		}
		place(counts, rows)
		return nil
	}
}

// countTypes counts the events of the cover by type, the most frequent first.
func countTypes(ctx context.Context, db dbsqlc.DBTX, w Window, types []string, most int) ([]dbsqlc.EventTypeCountListRow, error) {
	if w.narrowed {
		return countSeenTypes(ctx, db, w, types, most)
	}
	c := w.single(nil).kept()
	days, slots := listsOf(c.days), listsOf(c.slots)
	first, last := reachOf(c.days)
	p := dbsqlc.EventTypeCountListParams{
		FirstDay: first, LastDay: last,
		Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotStarts: slots.starts, SlotEnds: slots.ends,
		Types: types,
	}
	if len(c.raw) == 0 {
		p.Most = pgtype.Int8{Int64: int64(most), Valid: true}
	}
	rows, err := dbsqlc.New().EventTypeCountList(ctx, db, p)
	if err != nil || len(c.raw) == 0 {
		return rows, err
	}
	return addCutTypes(ctx, db, rows, c, types, most)
}

// addCutTypes adds the events of parts of quarter hours to the counts of all types.
func addCutTypes(ctx context.Context, db dbsqlc.DBTX, rows []dbsqlc.EventTypeCountListRow, c cover, types []string, most int) ([]dbsqlc.EventTypeCountListRow, error) {
	cuts, err := c.cutTypes(ctx, db, parted{types: types})
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, r := range rows {
		at[r.Type] = i
	}
	for _, cut := range cuts {
		if !has(at, cut.Type) {
			at[cut.Type] = len(rows)
			rows = append(rows, dbsqlc.EventTypeCountListRow{Type: cut.Type})
		}
		rows[at[cut.Type]].N += cut.N
	}
	slices.SortFunc(rows, func(a, b dbsqlc.EventTypeCountListRow) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Type, b.Type))
	})
	for i := range rows {
		rows[i].DistinctTypes = int64(len(rows))
	}
	return rows[:min(len(rows), most)], nil
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
