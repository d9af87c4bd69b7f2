package metric

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// daily is a way to count by days: those that are closed and untouched come from their view,
// and all else is counted afresh. The view is read once for all that a round counts so.
type daily struct {
	figure func(dbsqlc.ClosedDayListRow) int64
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
	runs  []run
	stale map[calendar.Date]bool // days that were over and not closed, when they were last looked at

	afresh []*afresh
	closed map[calendar.Date]dbsqlc.ClosedDayListRow
}

// dailyNeed is one grid that is counted by days.
type dailyNeed struct {
	grid   Grid
	column string
	cover  cover
	parts  []part
	afresh *afresh
}

// part is what is counted as one, and added to its bucket.
type part struct {
	bucket int
	first  typedPiece
	more   []typedPiece
	whole  bool          // it is a day, which may be closed
	day    calendar.Date // if it is
	place  int           // among what is counted afresh; -1: it is not
}

// typedPiece is a piece of one of a cover's lists.
type typedPiece struct {
	kind int
	piece
}

// afresh is what is counted by one statement: distinct parts, each as a bucket.
type afresh struct {
	of      *daily
	places  map[string]int
	pending cover       // not counted yet
	counts  [][]float64 // by counter, and place: the later ones are longer
}

// run is a run of days. Reading some that nobody asks for costs less than another statement.
type run struct {
	first, last calendar.Date
	rows        []dbsqlc.ClosedDayListRow
}

// maxGap is how many days that nobody asks for a run may hold in a row.
const maxGap = 60

func (r *dailyReading) add(d *daily, g Grid, column string) *dailyNeed {
	whole := g.cover()
	n := &dailyNeed{grid: g, column: column, cover: whole.kept()}
	if n.parts = n.cover.parts(d.adds); !d.edges {
		n.parts = whole.parts(d.adds)
	}
	for _, f := range r.afresh {
		if f.of == d {
			n.afresh = f
		}
	}
	if n.afresh == nil {
		n.afresh = &afresh{of: d, places: map[string]int{}}
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
			parts = append(parts, part{bucket: p.bucket, first: typedPiece{kind, p}, whole: kind == dayPiece, day: p.day, place: -1})
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
func (f *afresh) want(p *part) {
	key := p.key()
	place, there := f.places[key]
	if !there {
		place = len(f.places)
		f.places[key] = place
		f.pending.put(place, p.first)
		for _, piece := range p.more {
			f.pending.put(place, piece)
		}
	}
	p.place = place
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
func (f *afresh) at(place int) (sum float64) {
	for _, counts := range f.counts {
		if place < len(counts) {
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
	r.findRuns()
	for i := range r.runs {
		reads = append(reads, func(db dbsqlc.DBTX) error { return r.runs[i].read(ctx, db) })
	}
	for _, n := range r.needs {
		running := n.grid.home.DateOf(n.grid.Watermark)
		for i := range n.parts {
			if p := &n.parts[i]; !p.whole || p.day >= running || r.stale[p.day] {
				n.afresh.want(p)
			}
		}
	}
	return r.count(ctx, reads)
}

// rest are the functions that count the days that are not closed, against expectation.
func (r *dailyReading) rest(ctx context.Context) []func(dbsqlc.DBTX) error {
	r.closed = map[calendar.Date]dbsqlc.ClosedDayListRow{}
	for _, run := range r.runs {
		for _, row := range run.rows {
			r.closed[row.Day] = row
		}
	}
	for _, n := range r.needs {
		for i := range n.parts {
			if p := &n.parts[i]; p.place < 0 && !has(r.closed, p.day) {
				n.afresh.want(p)
			}
		}
	}
	return r.count(ctx, nil)
}

// finish makes the table.
func (n *dailyNeed) finish(closed map[calendar.Date]dbsqlc.ClosedDayListRow) *Table {
	t, kept := NewTable(n.grid, n.column), 0
	counts := t.Columns[n.column][0]
	for _, p := range n.parts {
		if day, ok := closed[p.day]; ok && p.whole {
			counts[p.bucket] += float64(n.afresh.of.figure(day))
			kept++
			continue
		}
		counts[p.bucket] += n.afresh.at(p.place)
	}
	t.Sources, t.Exact = n.cover.sources(kept), !n.afresh.of.edges || n.grid.Exact()
	return t
}

// findRuns finds the runs of days that may be closed.
func (r *dailyReading) findRuns() {
	var days []calendar.Date
	for _, n := range r.needs {
		for _, p := range n.parts {
			if p.whole {
				days = append(days, p.day)
			}
		}
	}
	slices.Sort(days)
	for _, day := range days {
		if last := len(r.runs) - 1; last >= 0 && day-r.runs[last].last <= maxGap {
			r.runs[last].last = day
		} else {
			r.runs = append(r.runs, run{first: day, last: day})
		}
	}
}

func (r *run) read(ctx context.Context, db dbsqlc.DBTX) (err error) {
	r.rows, err = dbsqlc.New().ClosedDayList(ctx, db, dbsqlc.ClosedDayListParams{FirstDay: r.first, LastDay: r.last})
	if err != nil {
		return fmt.Errorf("read closed days: %w", err)
	}
	return nil
}

// maxStale is how many days of a tenant are remembered for not having been closed.
const maxStale = 1_000

// remembered are the days that will hardly be closed the next time: those that were not, of
// those that were looked at, and others as they were known before.
func (r *dailyReading) remembered() map[calendar.Date]bool {
	if r.closed == nil { // nothing was looked at
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
		running := n.grid.home.DateOf(n.grid.Watermark)
		for _, p := range n.parts {
			if closed := has(r.closed, p.day); p.whole && (closed || p.day < running) {
				set(p.day, !closed)
			}
		}
	}
	return stale
}
