package metric

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
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
	r := typesReading{grid: g, how: how, at: map[string]int{}, closed: map[calendar.Date]bool{}}
	r.table = &Table{Columns: map[string][][]float64{measured: {}}}
	closable, afresh := g.expected(c)
	if err := r.count(ctx, db, closable, afresh); err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(closable, func(p piece) bool { return r.closed[p.day] })
	if len(open) > 0 { // against expectation
		if err := r.count(ctx, db, nil, open); err != nil {
			return nil, err
		}
	}
	cuts, err := c.cutTypes(ctx, db, how)
	if err != nil {
		return nil, err
	}
	for _, row := range cuts {
		r.add(row.Type, int(row.Bucket), row.N)
	}
	r.table.Sources = c.sources(len(r.closed))
	r.table.cut(g)
	return r.table, nil
}

// expected parts a cover into days that are probably closed, and what is to be counted afresh.
func (g Grid) expected(c cover) (closable, afresh []piece) {
	running := g.running()
	for _, p := range c.days {
		if p.day >= running || g.stale[p.day] {
			afresh = append(afresh, p)
		} else {
			closable = append(closable, p)
		}
	}
	return closable, append(afresh, c.slots...)
}

// typesReading puts a table by types together.
type typesReading struct {
	grid   Grid
	how    parted
	table  *Table
	at     map[string]int // the place of each group
	closed map[calendar.Date]bool
}

// count adds those of some days that are closed, from their view, and stretches of time afresh.
func (r *typesReading) count(ctx context.Context, db dbsqlc.DBTX, days, afresh []piece) error {
	slots := listsOf(afresh)
	first, last, buckets := bucketsOfDays(days)
	rows, err := dbsqlc.New().EventCountByBucketAndType(ctx, db, dbsqlc.EventCountByBucketAndTypeParams{
		Types: r.how.types, OfAll: r.how.all, FirstDay: first, LastDay: last, BucketsOfDays: buckets,
		SlotBuckets: slots.buckets, SlotStarts: slots.starts, SlotEnds: slots.ends,
	})
	if err != nil {
		return fmt.Errorf("count events by type: %w", err)
	}
	for _, row := range rows {
		r.close(first+calendar.Date(row.Span*daysInSpan), uint64(row.Days))
		if row.Type != "" { // else of other types, or of none
			r.add(row.Type, int(row.Bucket), row.N)
		}
	}
	return nil
}

// daysInSpan is how many days a row tells of.
const daysInSpan = 63

// close notes which days were closed, of those from the first on.
func (r *typesReading) close(first calendar.Date, days uint64) {
	for ; days != 0; days &= days - 1 {
		r.closed[first+calendar.Date(bits.TrailingZeros64(days))] = true
	}
}

func (r *typesReading) add(eventType string, bucket int, n int64) {
	r.table.count(r.grid, r.at, eventType, bucket, float64(n))
}

// bucketsOfDays are the buckets of all days from the first to the last; -1: it is not asked for.
func bucketsOfDays(days []piece) (first, last calendar.Date, buckets []int32) {
	first, last = reachOf(days)
	buckets = slices.Repeat([]int32{-1}, int(last-first)+1)
	for _, p := range days {
		buckets[p.day-first] = int32(p.bucket)
	}
	return first, last, buckets
}

// reachOf are the first and the last of some days; of none, a reach that holds none.
func reachOf(days []piece) (first, last calendar.Date) {
	if len(days) == 0 {
		return 0, -1
	}
	first, last = days[0].day, days[0].day
	for _, p := range days {
		first, last = min(first, p.day), max(last, p.day)
	}
	return first, last
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
