package metric

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// visitPause is how long nobody hears of a person before their session is over.
const visitPause = 30 * time.Minute

// visits reads sessions of use, by where they start.
var visits = &Reader{
	Name: "visits", Columns: []string{"sessions"}, Adds: []string{"sessions"},
	Lookback: 1, // what began on the day before may go on
	Read:     readVisits,
}

func readVisits(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t := NewTable(g, "sessions")
	if g.narrowed {
		return t, readVisitsSeen(ctx, db, g, t)
	}
	c := g.cover()
	t.Exact = !c.rounds()
	c = c.kept()
	rows, err := dbsqlc.New().VisitCountByBucket(ctx, db, visitPieces(c))
	if err != nil {
		return nil, fmt.Errorf("count sessions: %w", err)
	}
	for _, r := range rows {
		t.Columns["sessions"][0][r.Bucket] = float64(r.N)
		t.Exact = t.Exact && r.Doubtful == 0
		t.Sources |= visitSources(r)
	}
	return t, nil
}

func visitSources(r dbsqlc.VisitCountByBucketRow) (s Sources) {
	if r.Closed > 0 {
		s |= Materialized
	}
	if r.Open > 0 {
		s |= Open
	}
	if r.Raw > 0 {
		s |= Raw
	}
	return s
}

// visitPieces lists a cover's pieces for the query: of days and their parts what is kept can
// stand for the events.
func visitPieces(c cover) dbsqlc.VisitCountByBucketParams {
	of := dbsqlc.VisitCountByBucketParams{KeptBefore: c.rawSince.Add(visitPause)}
	for i, list := range [][]piece{c.days, c.slots, c.raw} {
		for _, p := range list {
			of.Buckets, of.Days = append(of.Buckets, int32(p.bucket)), append(of.Days, p.day)
			of.Starts, of.Ends = append(of.Starts, p.start), append(of.Ends, p.end)
			of.Wholes, of.Kepts = append(of.Wholes, i == 0), append(of.Kepts, i < 2)
		}
	}
	return of
}

func readVisitsSeen(ctx context.Context, db dbsqlc.DBTX, g Grid, t *Table) error {
	t.Sources = Raw
	c, from := g.cover(), g.From.Add(-visitPause)
	t.Exact = !from.Before(g.rawSince)
	rows, err := dbsqlc.New().NarrowedVisitCountByBucket(ctx, db, dbsqlc.NarrowedVisitCountByBucketParams{
		Starts: c.starts, LookedAtFrom: from, RangeFrom: c.from, RangeTo: c.to,
	})
	if err != nil {
		return fmt.Errorf("count sessions that are seen: %w", err)
	}
	place(t.Columns["sessions"][0], rows)
	return nil
}
