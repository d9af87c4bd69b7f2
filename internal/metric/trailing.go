package metric

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// trailingDays is how many days the longest window of active users has.
const trailingDays = 28

// trailing reads who was active in the day, the 7 and the 28 days that end with the last day
// of each bucket.
var trailing = &Reader{
	Clock: true,
	Name:  "trailing", Columns: []string{"daily", "weekly", "monthly"},
	Lookback: trailingDays, // by the tenant's days, which may begin earlier than those asked for
	Null:     true, Read: readTrailing, List: listTrailing,
}

// windows are the figures of one day: of the windows that end with it.
type windows struct{ daily, weekly, monthly float64 }

// trail is which days a grid asks for, and where the last of them is cut.
type trail struct {
	Grid
	days []calendar.Date // in order, each once
	of   []int           // by bucket: its day's place; -1: it has not begun
}

func readTrailing(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t := NewTable(g, "daily", "weekly", "monthly")
	tr := g.trail(ctx)
	found, err := tr.read(ctx, db, t)
	if err != nil {
		return nil, err
	}
	for i, place := range tr.of {
		w := windows{math.NaN(), math.NaN(), math.NaN()}
		if place >= 0 {
			w = found[tr.days[place]]
		}
		t.Columns["daily"][0][i], t.Columns["weekly"][0][i], t.Columns["monthly"][0][i] = w.daily, w.weekly, w.monthly
	}
	return t, nil
}

// trail finds the last day of each bucket: of one that runs, the day that it is.
func (g Grid) trail(ctx context.Context) trail {
	tr := trail{Grid: g, of: make([]int, len(g.Buckets))}
	for i, b := range g.Buckets {
		tr.of[i] = -1
		if !b.Start.Before(b.End) || b.Start.After(g.Watermark) {
			continue
		}
		last := b.End.Add(-1)
		if last.After(g.Watermark) {
			last = g.Watermark
			g.noteUntil(ctx, g.Zone.StartOf(g.Zone.DateOf(last)+1))
		}
		day := g.Zone.DateOf(last)
		if n := len(tr.days); n == 0 || tr.days[n-1] < day {
			tr.days = append(tr.days, day)
		}
		tr.of[i] = len(tr.days) - 1
	}
	return tr
}

// end is where a day ends, or the range within it.
func (tr trail) end(day calendar.Date) time.Time {
	end := tr.Zone.StartOf(day + 1)
	if tr.To.After(tr.Zone.StartOf(day)) && tr.To.Before(end) {
		return tr.To
	}
	return end
}

func (tr trail) read(ctx context.Context, db dbsqlc.DBTX, t *Table) (map[calendar.Date]windows, error) {
	if tr.narrowed {
		return tr.readSeen(ctx, db, t)
	}
	found := map[calendar.Date]windows{}
	home, other := tr.part()
	if len(home) > 0 {
		if err := readHomeWindows(ctx, db, home, found, t); err != nil {
			return nil, err
		}
	}
	if len(other) > 0 {
		return found, tr.readOther(ctx, db, other, found, t)
	}
	return found, nil
}

// part tells the days whose windows are whole days of the tenant's own zone from the others.
func (tr trail) part() (home, other []calendar.Date) {
	same := tr.Zone.String() == tr.home.String()
	for _, day := range tr.days {
		if tr.end(day).Equal(tr.home.StartOf(day+1)) && (same || tr.agrees(day)) {
			home = append(home, day)
		} else {
			other = append(other, day)
		}
	}
	return home, other
}

// agrees reports whether the days of a window begin when the tenant's do.
func (tr trail) agrees(day calendar.Date) bool {
	for d := day - trailingDays + 1; d <= day; d++ {
		if !tr.Zone.StartOf(d).Equal(tr.home.StartOf(d)) {
			return false
		}
	}
	return true
}

func readHomeWindows(ctx context.Context, db dbsqlc.DBTX, days []calendar.Date, found map[calendar.Date]windows, t *Table) error {
	rows, err := dbsqlc.New().ActivityWindowList(ctx, db, dbsqlc.ActivityWindowListParams{
		Days: days, FirstDay: days[0], LastDay: days[len(days)-1],
	})
	if err != nil {
		return fmt.Errorf("read windows of days: %w", err)
	}
	for _, r := range rows {
		found[r.Day] = windows{float64(r.Daily), float64(r.Weekly), float64(r.Monthly)}
		if r.Kept {
			t.Sources |= Materialized
		} else {
			t.Sources |= Open
		}
	}
	return nil
}

// reach are all days that the windows of some days have, as buckets of the asked zone.
func (tr trail) reach(days []calendar.Date) (all []calendar.Date, buckets []calendar.Bucket) {
	for _, day := range days {
		from := day - trailingDays + 1
		if n := len(all); n > 0 && all[n-1] >= from {
			from = all[n-1] + 1
		}
		for d := from; d <= day; d++ {
			all = append(all, d)
			buckets = append(buckets, calendar.Bucket{Start: tr.Zone.StartOf(d), End: tr.end(d)})
		}
	}
	return all, buckets
}

func (tr trail) readOther(ctx context.Context, db dbsqlc.DBTX, days []calendar.Date, found map[calendar.Date]windows, t *Table) error {
	all, buckets := tr.reach(days)
	g := tr.Grid
	g.Buckets = buckets
	c := g.cover()
	t.Exact = t.Exact && !c.rounds()
	c = c.kept()
	t.Sources |= c.sources(0)
	whole, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().ActivityGapList(ctx, db, dbsqlc.ActivityGapListParams{
		DayBuckets: numbers(whole, all), Days: whole.days,
		MaskBuckets: numbers(slots, all), MaskDays: slots.days, Masks: masksOf(c.slots),
		RawBuckets: numbers(raw, all), RawStarts: raw.starts, RawEnds: raw.ends,
	})
	if err != nil {
		return fmt.Errorf("read gaps between active days: %w", err)
	}
	gaps := gaps{}
	for _, r := range rows {
		gaps.add(all[0]+calendar.Date(r.Day), int(r.Gap), r.N)
	}
	for _, day := range days {
		found[day] = gaps.windows(day)
	}
	return nil
}

// numbers counts days from the first, so that their differences are days.
func numbers(l lists, days []calendar.Date) []int32 {
	numbers := make([]int32, len(l.buckets))
	for i, b := range l.buckets {
		numbers[i] = int32(days[b] - days[0])
	}
	return numbers
}

// readSeen reads the same of the events that the caller sees.
func (tr trail) readSeen(ctx context.Context, db dbsqlc.DBTX, t *Table) (map[calendar.Date]windows, error) {
	found := map[calendar.Date]windows{}
	t.Sources = Raw
	if len(tr.days) == 0 {
		return found, nil
	}
	first, last := tr.days[0]-trailingDays+1, tr.days[len(tr.days)-1]
	starts := make([]time.Time, 0, last-first+1)
	for d := first; d <= last; d++ {
		starts = append(starts, tr.Zone.StartOf(d))
	}
	t.Exact = !starts[0].Before(tr.rawSince)
	rows, err := dbsqlc.New().NarrowedGapList(ctx, db, dbsqlc.NarrowedGapListParams{
		Starts: starts, RangeFrom: starts[0], RangeTo: tr.end(last),
	})
	if err != nil {
		return nil, fmt.Errorf("read gaps between active days that are seen: %w", err)
	}
	gaps := gaps{}
	for _, r := range rows {
		gaps.add(first+calendar.Date(r.Day), int(r.Gap), r.N)
	}
	for _, day := range tr.days {
		found[day] = gaps.windows(day)
	}
	return found, nil
}

// gaps are how many persons were active on a day, by how many days after their last active
// one; 28 is that or more, or never.
type gaps map[calendar.Date]*[trailingDays + 1]float64

func (g gaps) add(day calendar.Date, gap int, n int64) {
	if g[day] == nil {
		g[day] = &[trailingDays + 1]float64{}
	}
	g[day][gap] += float64(n)
}

// windows works the windows of a day out, as the function activity_of does: in each counts
// who comes to it from outside.
func (g gaps) windows(day calendar.Date) windows {
	return windows{g.distinct(day, 1), g.distinct(day, 7), g.distinct(day, trailingDays)}
}

func (g gaps) distinct(day calendar.Date, over int) (n float64) {
	first := day - calendar.Date(over) + 1
	for d := first; d <= day; d++ {
		if g[d] == nil {
			continue
		}
		for _, count := range g[d][int(d-first)+1:] {
			n += count
		}
	}
	return n
}
