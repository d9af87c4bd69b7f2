package metric

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// readRollups counts events from what is kept by the quarter hour and type: as many rows as
// there are types, however many events.
func (m Measure) readRollups(ctx context.Context, db dbsqlc.DBTX, g Grid) (t *Table, err error) {
	how := planOf(both(m.Filter, g.Filter), m.Types)
	if len(g.By) == 0 && how.all == nil {
		t, err = ofTypes(how.types).read(ctx, db, g, measured)
	} else {
		t, err = g.readTypes(ctx, db, how)
	}
	if err != nil {
		return nil, err
	}
	t.Exact = g.Exact()
	return t, nil
}

// readTypes counts events by type, or those of some types together.
func (g Grid) readTypes(ctx context.Context, db dbsqlc.DBTX, how parted) (*Table, error) {
	c := g.kept()
	days, slots := listsOf(c.days), listsOf(c.slots)
	first, last, buckets := bucketsOfDays(c.days)
	rows, err := dbsqlc.New().EventCountByBucketAndType(ctx, db, dbsqlc.EventCountByBucketAndTypeParams{
		Types: how.types, OfAll: how.all, FirstDay: first, LastDay: last, BucketsOfDays: buckets,
		DayBuckets: days.buckets, Days: days.days, DayStarts: days.starts, DayEnds: days.ends,
		SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
	})
	if err != nil {
		return nil, fmt.Errorf("count events by type: %w", err)
	}
	t, closed := &Table{Columns: map[string][][]float64{measured: {}}}, 0
	at := map[string]int{}
	for _, r := range rows {
		if r.Type == "" { // no event's: it tells of the days
			closed = int(r.N)
			continue
		}
		t.count(g, at, r.Type, int(r.Bucket), float64(r.N))
	}
	cuts, err := c.cutTypes(ctx, db, how)
	if err != nil {
		return nil, err
	}
	for _, r := range cuts {
		t.count(g, at, r.Type, int(r.Bucket), float64(r.N))
	}
	t.Sources = c.sources(closed)
	t.cut(g)
	return t, nil
}

// bucketsOfDays are the buckets of all days from the first to the last; -1: it is not asked for.
func bucketsOfDays(days []piece) (first, last calendar.Date, buckets []int32) {
	if len(days) == 0 {
		return 0, -1, []int32{}
	}
	first, last = days[0].day, days[0].day
	for _, p := range days {
		first, last = min(first, p.day), max(last, p.day)
	}
	buckets = slices.Repeat([]int32{-1}, int(last-first)+1)
	for _, p := range days {
		buckets[p.day-first] = int32(p.bucket)
	}
	return first, last, buckets
}

// cutTypes counts the events of parts of quarter hours by bucket and type.
func (c cover) cutTypes(ctx context.Context, db dbsqlc.DBTX, how parted) ([]dbsqlc.EventCutByBucketAndTypeRow, error) {
	if len(c.raw) == 0 {
		return nil, nil
	}
	raw := listsOf(c.raw)
	rows, err := dbsqlc.New().EventCutByBucketAndType(ctx, db, dbsqlc.EventCutByBucketAndTypeParams{
		Types: how.types, OfAll: how.all, Buckets: raw.buckets, Starts: raw.starts, Ends: raw.ends,
	})
	if err != nil {
		return nil, fmt.Errorf("count events of cut quarter hours by type: %w", err)
	}
	return rows, nil
}

// count adds to a type's group, if the grid has it, or to the one that all are put together in.
func (t *Table) count(g Grid, at map[string]int, eventType string, bucket int, n float64) {
	keys, among := []*string{&eventType}, func(groups [][]*string) bool {
		return slices.ContainsFunc(groups, func(k []*string) bool { return k[0] != nil && *k[0] == eventType })
	}
	switch {
	case g.Only != nil && !among(g.Only) || g.Except != nil && among(g.Except):
		return
	case len(g.By) == 0 || g.Except != nil:
		keys = []*string{}
	}
	key := groupKey(keys)
	if !has(at, key) {
		at[key] = len(t.Groups)
		t.add(keys, len(g.Buckets), 0)
	}
	t.Columns[measured][at[key]][bucket] += n
}

// cut leaves the largest groups, and makes the one that there is in any case.
func (t *Table) cut(g Grid) {
	if len(t.Groups) == 0 && (len(g.By) == 0 || g.Except != nil) {
		t.add([]*string{}, len(g.Buckets), 0)
	}
	if len(t.Groups) <= MaxGroups {
		return
	}
	order := make([]int, len(t.Groups))
	sizes := make([]float64, len(t.Groups))
	for i, row := range t.Columns[measured] {
		order[i] = i
		for _, n := range row {
			sizes[i] += n
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(groupKey(t.Groups[a]), groupKey(t.Groups[b])))
	})
	groups, columns := t.Groups, t.Columns[measured]
	t.Groups, t.Columns[measured] = nil, nil
	for _, i := range order[:MaxGroups] {
		t.Groups, t.Columns[measured] = append(t.Groups, groups[i]), append(t.Columns[measured], columns[i])
	}
}
