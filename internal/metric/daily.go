package metric

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// daily is a way to count by days: those that are closed and untouched come from their view,
// and all else is counted afresh. The view is read once for all that a round counts so.
type daily struct {
	figure func(*dbsqlc.ClosedDayListRow) int64
	adds   bool      // parts add up; else only a bucket that is one day, and nothing else, comes from it
	edges  bool      // what cuts a quarter hour is counted from raw events, and exact while there are any
	afresh []counter // whose figures add up
}

// counter fills in the figure of each bucket that the cover puts together, by one statement or
// none.
type counter func(ctx context.Context, db dbsqlc.DBTX, c cover, counts []float64) error

// read counts into a table of one column.
func (d *daily) read(ctx context.Context, db dbsqlc.DBTX, g Grid, column string) (*Table, error) {
	reading := &dailyReading{}
	need := reading.add(d, g, column)
	trip := func(reads []func(dbsqlc.DBTX) error) error { return together(ctx, db, reads) }
	if err := reading.read(ctx, nil, trip); err != nil {
		return nil, err
	}
	return need.finish(reading.closed), nil
}

// together sends what is asked at the same time in one round trip, where db can do so.
func together(ctx context.Context, db dbsqlc.DBTX, reads []func(dbsqlc.DBTX) error) error {
	if tx, ok := db.(pgx.Tx); ok {
		return postgres.Together(ctx, tx, reads...)
	}
	for _, read := range reads {
		if err := read(db); err != nil {
			return err
		}
	}
	return nil
}

// dailyReading reads for all that is counted by days. Which days are closed shows only when
// they are read; those that will hardly be are counted afresh in the same round trip, and what
// is then still missing in another one. What several need is counted once.
type dailyReading struct {
	needs []*dailyNeed
	stale map[calendar.Date]bool // days that were over and not closed, when they were last looked at

	afresh []*afresh
	closed closedDays
	looked bool // at the closed days
}

// dailyNeed is one grid that is counted by days.
type dailyNeed struct {
	grid   Grid
	column string
	parts  parts
	places []int32 // of each part among what is counted afresh; -1: it is not
	afresh *afresh
}

// part is what is counted as one, and added to its bucket.
type part struct {
	bucket int
	first  typedPiece
	more   []typedPiece
	whole  bool          // it is a day, which may be closed
	day    calendar.Date // if it is
}

// typedPiece is a piece of one of a cover's lists.
type typedPiece struct {
	kind int
	piece
}

// afresh is what is counted by one statement: distinct parts, each as a bucket.
type afresh struct {
	of      *daily
	places  map[string]int32
	pending cover       // not counted yet
	counts  [][]float64 // by counter, and place: the later ones are longer
}

func (r *dailyReading) add(d *daily, g Grid, column string) *dailyNeed {
	n := &dailyNeed{grid: g, column: column, parts: g.layout().partsFor(d)}
	n.places = make([]int32, len(n.parts.list))
	for i := range n.places {
		n.places[i] = -1
	}
	for _, f := range r.afresh {
		if f.of == d {
			n.afresh = f
		}
	}
	if n.afresh == nil {
		n.afresh = &afresh{of: d, places: map[string]int32{}}
		r.afresh = append(r.afresh, n.afresh)
	}
	r.needs = append(r.needs, n)
	return n
}

// parts are the pieces of a cover, if they add up; else its buckets.
func (c cover) parts(adds bool) []part {
	parts := make([]part, 0, len(c.days)+len(c.slots)+len(c.raw))
	at := map[int]int{} // by bucket
	for kind, list := range [][]piece{c.days, c.slots, c.raw} {
		for _, p := range list {
			if !adds {
				if place, there := at[p.bucket]; there {
					parts[place].more = append(parts[place].more, typedPiece{kind, p})
					parts[place].whole = false
					continue
				}
				at[p.bucket] = len(parts)
			}
			parts = append(parts, part{bucket: p.bucket, first: typedPiece{kind, p}, whole: kind == dayPiece, day: p.day})
		}
	}
	return parts
}

// The kinds of pieces, in the order of a cover's lists.
const (
	dayPiece = iota
	slotPiece
	rawPiece
)

// key is equal for parts that come to the same figure.
func (p *part) key() string {
	key := p.first.appendKey(make([]byte, 0, 17))
	for _, piece := range p.more {
		key = piece.appendKey(key)
	}
	return string(key)
}

func (p typedPiece) appendKey(key []byte) []byte {
	key = append(key, byte(p.kind))
	key = binary.LittleEndian.AppendUint64(key, uint64(p.start.UnixNano()))
	return binary.LittleEndian.AppendUint64(key, uint64(p.end.UnixNano()))
}

// want gives a part its place among what is counted.
func (f *afresh) want(p *part) (place int32) {
	key := p.key()
	place, there := f.places[key]
	if !there {
		place = int32(len(f.places))
		f.places[key] = place
		f.pending.put(int(place), p.first)
		for _, piece := range p.more {
			f.pending.put(int(place), piece)
		}
	}
	return place
}

// put adds a piece to a bucket.
func (c *cover) put(bucket int, p typedPiece) {
	p.bucket = bucket
	switch p.kind {
	case dayPiece:
		c.days = append(c.days, p.piece)
	case slotPiece:
		c.slots = append(c.slots, p.piece)
	case rawPiece:
		c.raw = append(c.raw, p.piece)
	}
}

// count are the functions that count what is pending.
func (r *dailyReading) count(ctx context.Context, reads []func(dbsqlc.DBTX) error) []func(dbsqlc.DBTX) error {
	for _, f := range r.afresh {
		if f.pending.empty() {
			continue
		}
		c := f.pending
		f.pending = cover{}
		for _, counter := range f.of.afresh {
			counts := make([]float64, len(f.places))
			f.counts = append(f.counts, counts)
			reads = append(reads, func(db dbsqlc.DBTX) error { return counter(ctx, db, c, counts) })
		}
	}
	return reads
}

// at is what was counted in a place.
func (f *afresh) at(place int32) (sum float64) {
	for _, counts := range f.counts {
		if int(place) < len(counts) {
			sum += counts[place]
		}
	}
	return sum
}

// read reads all that was added, and something beside it, in one trip or two.
func (r *dailyReading) read(ctx context.Context, beside []func(dbsqlc.DBTX) error, trip func([]func(dbsqlc.DBTX) error) error) error {
	if err := trip(append(beside, r.first(ctx)...)); err != nil {
		return err
	}
	return trip(r.rest(ctx))
}

// first are the functions that read the closed days, and what can be counted without them.
func (r *dailyReading) first(ctx context.Context) (reads []func(dbsqlc.DBTX) error) {
	var runs []run
	for _, n := range r.needs {
		runs = append(runs, n.parts.runs...)
	}
	for _, run := range joinRuns(runs) {
		days := &closedRun{run: run}
		r.closed = append(r.closed, days)
		reads = append(reads, func(db dbsqlc.DBTX) error { return days.read(ctx, db) })
	}
	for _, n := range r.needs {
		running := n.grid.running()
		for i := range n.parts.list {
			if p := &n.parts.list[i]; !p.whole || p.day >= running || r.stale[p.day] {
				n.places[i] = n.afresh.want(p)
			}
		}
	}
	return r.count(ctx, reads)
}

// rest are the functions that count the days that are not closed, against expectation.
func (r *dailyReading) rest(ctx context.Context) []func(dbsqlc.DBTX) error {
	r.looked = true
	for _, n := range r.needs {
		for i := range n.parts.list {
			if p := &n.parts.list[i]; n.places[i] < 0 && r.closed.row(p.day) == nil {
				n.places[i] = n.afresh.want(p)
			}
		}
	}
	return r.count(ctx, nil)
}

// finish makes the table.
func (n *dailyNeed) finish(closed closedDays) *Table {
	t, kept := NewTable(n.grid, n.column), 0
	counts, of := t.Columns[n.column][0], n.afresh.of
	for i := range n.parts.list {
		p := &n.parts.list[i]
		if p.whole {
			if day := closed.row(p.day); day != nil {
				counts[p.bucket] += float64(of.figure(day))
				kept++
				continue
			}
		}
		counts[p.bucket] += n.afresh.at(n.places[i])
	}
	t.Sources, t.Exact = n.grid.kept().sources(kept), !of.edges || n.grid.Exact()
	return t
}

// closedDays are runs of days, in their order, with what is materialized of those that are closed.
type closedDays []*closedRun

type closedRun struct {
	run
	rows []dbsqlc.ClosedDayListRow
	at   []int32 // by day of the run: its row, counted from 1; 0: it has none
}

func (c *closedRun) read(ctx context.Context, db dbsqlc.DBTX) (err error) {
	c.rows, err = dbsqlc.New().ClosedDayList(ctx, db, dbsqlc.ClosedDayListParams{FirstDay: c.first, LastDay: c.last})
	if err != nil {
		return fmt.Errorf("read closed days: %w", err)
	}
	c.at = make([]int32, c.last-c.first+1)
	for i, row := range c.rows {
		c.at[row.Day-c.first] = int32(i + 1)
	}
	return nil
}

// row is what is materialized of a day; nil: it is not closed.
func (d closedDays) row(day calendar.Date) *dbsqlc.ClosedDayListRow {
	for _, c := range d {
		if c.first <= day && day <= c.last {
			if place := c.at[day-c.first]; place > 0 {
				return &c.rows[place-1]
			}
			return nil
		}
	}
	return nil
}

// maxStale is how many days of a tenant are remembered for not having been closed.
const maxStale = 1_000

// remembered are the days that will hardly be closed the next time: those that were not, of
// those that were looked at, and others as they were known before.
func (r *dailyReading) remembered() map[calendar.Date]bool {
	if !r.looked {
		return r.stale
	}
	stale, mine := r.stale, false
	set := func(day calendar.Date, to bool) {
		if stale[day] == to || to && len(stale) >= maxStale {
			return
		}
		if !mine { // others read it
			if stale, mine = maps.Clone(stale), true; stale == nil {
				stale = map[calendar.Date]bool{}
			}
		}
		if stale[day] = to; !to {
			delete(stale, day)
		}
	}
	for _, n := range r.needs {
		running := n.grid.running()
		for i := range n.parts.list {
			if p := &n.parts.list[i]; p.whole {
				if closed := r.closed.row(p.day) != nil; closed || p.day < running {
					set(p.day, !closed)
				}
			}
		}
	}
	return stale
}
