package metric

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// listTrailing lists whom the window of a column counts: those who were active in the days that
// end with the bucket's last.
func listTrailing(ctx context.Context, db dbsqlc.DBTX, g Grid, column string, page Page) ([]Listing, error) {
	tr := g.trail(ctx)
	if tr.of[0] < 0 { // it has not begun, and has no figure
		return g.noListings(), nil
	}
	last := tr.days[0]
	first := last - calendar.Date(windowDays[column]) + 1
	g.Buckets = []calendar.Bucket{{Start: tr.Zone.StartOf(first), End: tr.end(last)}}
	return Measure{Aggregation: UniqueUsers}.list(ctx, db, g, column, page)
}

// windowDays is how many days the window of a column has.
var windowDays = map[string]int{"daily": 1, "weekly": 7, "monthly": trailingDays}

// listTurnout lists whom a column of the lifecycle counts, and those who are resurrecting, whom
// the figure tells as the rest of the active ones.
func listTurnout(ctx context.Context, db dbsqlc.DBTX, g Grid, column string, page Page) ([]Listing, error) {
	now, before := g.Buckets[0], g.before()[0]
	if g.narrowed {
		return listSeenTurnout(ctx, db, now, before, column, page)
	}
	g.Buckets = []calendar.Bucket{before, now}
	c := g.kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().TurnoutList(ctx, db, dbsqlc.TurnoutListParams{
		DayStretches: days.buckets, Days: days.days,
		MaskStretches: slots.buckets, MaskDays: slots.days, Masks: masksOf(c.slots),
		RawStretches: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
		Kind: column, RangeFrom: now.Start, RangeTo: now.End, After: page.After, Most: int64(page.First) + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("list who came and went: %w", err)
	}
	return listingOf(rows, page), nil
}

func listSeenTurnout(ctx context.Context, db dbsqlc.DBTX, now, before calendar.Bucket, column string, page Page) ([]Listing, error) {
	since := before.Start
	if column == resurrecting {
		since = earliest
	}
	rows, err := dbsqlc.New().NarrowedTurnoutList(ctx, db, dbsqlc.NarrowedTurnoutListParams{
		Kind: column, Since: since, BeforeFrom: before.Start, BeforeTo: before.End, RangeFrom: now.Start, RangeTo: now.End,
		After: page.After, Most: int64(page.First) + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("list who is seen to have come and gone: %w", err)
	}
	return listingOf(rows, page), nil
}
