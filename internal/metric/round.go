package metric

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// round gathers what questions need to be read, and reads each distinct need once.
type round struct {
	house
	wanted    []need
	listed    []func(ctx context.Context, db dbsqlc.DBTX) error // pages of entities
	tables    map[string]*Table
	stale     map[calendar.Date]bool // days that will hardly be closed, though they are over
	explained *Explanation           // to be filled in; nil: nobody asks for it
	once      bool                   // it has one round trip to the database
	gone      bool                   // which is over
	guessing  bool                   // what is wanted may not be what will be
	problem   error                  // of a table that the inquiry at hand has looked at
}

// need is a reader's grid. Equal needs have equal keys.
type need struct {
	key     string
	reader  *Reader
	grid    Grid
	metrics []string // that it was first read for
}

// daily is the way to count by days, if that is how the need would be read.
func (n need) daily() *daily {
	if n.reader.daily == nil {
		return nil
	}
	return n.reader.daily(n.grid)
}

// frame is a definition to be worked out over a grid, once the round has read it.
type frame struct {
	of   *Definition
	grid Grid
	keys []string // of the tables, one for each column
}

// want asks for a definition's columns over a grid, and notes that the answer depends on them.
func (r *round) want(ctx context.Context, d *Definition, g Grid) frame {
	f := frame{of: d, grid: g}
	g.laid = g.layout() // once for all columns, and for what reads them
	for _, c := range d.Needs {
		of := g
		if c.Reader.Whole {
			of.By, of.Only, of.Except, of.Filter = nil, nil, nil, nil
		}
		key := c.Reader.Name + "\x00" + of.key()
		if c.Reader.Clock {
			if r.guessing {
				continue
			}
			key += "\x00" + of.Watermark.String()
		}
		if c.Reader.Against {
			key += "\x00" + bucketKey(of.before())
		}
		f.keys = append(f.keys, key)
		if r.tables[key] == nil && !slices.ContainsFunc(r.wanted, func(n need) bool { return n.key == key }) {
			r.wanted = append(r.wanted, need{key, c.Reader, of, d.readFor(c)})
		}
		g.note(ctx, c.Reader.Lookback) // also of what was read already: by a guess nothing is noted
	}
	return f
}

// readFor are the keys of the metrics that a column is read for: of a formula, those of its parts.
func (d *Definition) readFor(c Column) (keys []string) {
	if d.Parts == nil {
		return []string{d.Key}
	}
	for _, part := range d.Parts {
		if slices.ContainsFunc(part.Needs, func(n Column) bool { return n.Reader.Name == c.Reader.Name }) {
			keys = append(keys, part.Key)
		}
	}
	return keys
}

// read reads what is wanted, and something beside it, all in one round trip to the database.
func (r *round) read(ctx context.Context, reads ...func(dbsqlc.DBTX) error) error {
	if r.explained != nil {
		return r.explain(ctx)
	}
	tables, days := make([]*Table, len(r.wanted)), &dailyReading{stale: r.stale}
	byDays := map[*dailyNeed]int{}
	for i, n := range r.wanted {
		if d := n.daily(); d != nil {
			byDays[days.add(d, n.grid, n.reader.Columns[0])] = i
			continue
		}
		n.grid.stale = r.stale
		reads = append(reads, func(db dbsqlc.DBTX) (err error) {
			tables[i], err = n.reader.Read(ctx, db, n.grid)
			if f, ok := fault.Of(err); ok && f.Code == fault.BadUserInput {
				tables[i], err = n.untold(f), nil
			}
			if err != nil {
				err = fmt.Errorf("read %s: %w", n.reader.Name, err)
			}
			return err
		})
	}
	for _, list := range r.listed {
		reads = append(reads, func(db dbsqlc.DBTX) error { return list(ctx, db) })
	}
	err := days.read(ctx, reads, func(reads []func(dbsqlc.DBTX) error) error { return r.trip(ctx, reads) })
	r.stale = days.remembered() // also where it has to begin again
	if err != nil {
		return err
	}
	for need, i := range byDays {
		tables[i] = need.finish(days.closed)
	}
	for i, n := range r.wanted {
		r.tables[n.key] = tables[i]
	}
	r.wanted, r.listed = nil, nil
	return nil
}

// trip sends what is asked in one round trip.
func (r *round) trip(ctx context.Context, reads []func(dbsqlc.DBTX) error) error {
	if len(reads) == 0 {
		return nil
	}
	if r.once && r.gone {
		return errAnother
	}
	r.gone = true
	return postgres.Together(ctx, r.tx, reads...)
}

// untold is the table of what cannot be told.
func (n need) untold(why error) *Table {
	t := NewTable(n.grid, n.reader.Columns...)
	if n.grid.By != nil && n.grid.Except == nil {
		t.Groups, t.Columns = nil, nil
	}
	t.Problem = why
	return t
}

// figures are a frame worked out: a value for each group and bucket.
type figures struct {
	groups  [][]*string
	values  [][]*float64
	cells   [][][]float64 // by group, bucket and column
	sources Sources
	exact   bool
}

// absent is what a reader means by giving nothing.
func (r *Reader) absent() float64 {
	if r.Null {
		return math.NaN()
	}
	return 0
}

// figures works a frame out. Where several readers give groups, a cell that one of them does
// not have is one that there is nothing of.
func (r *round) figures(f frame) figures {
	made := figures{exact: true}
	places := map[string]int{}
	for i, key := range f.keys {
		t := r.tables[key]
		if t.Problem != nil {
			r.problem = t.Problem
		}
		made.sources |= t.Sources
		made.exact = made.exact && t.Exact
		if f.shares(i) {
			continue // of the whole, which is in all groups
		}
		for _, group := range t.Groups {
			if k := groupKey(group); !has(places, k) {
				places[k] = len(made.groups)
				made.groups = append(made.groups, group)
			}
		}
	}
	cells := r.columns(f, places, len(made.groups))
	made.cells = cells
	made.values = make([][]*float64, len(made.groups))
	for g := range made.groups {
		made.values[g] = f.values(cells[g])
	}
	return made
}

// values are the figures of a group's buckets; an empty bucket has none.
func (f frame) values(cells [][]float64) []*float64 {
	values := make([]*float64, len(cells))
	for b, bucket := range f.grid.Buckets {
		switch {
		case !bucket.Start.Before(bucket.End):
		case f.of.Calc != nil:
			values[b] = f.of.Calc(cells[b])
		case isNumber(cells[b][0]):
			values[b] = &cells[b][0] // which is of its own
		}
	}
	return values
}

// columns lines up a frame's columns: by group, bucket and column.
func (r *round) columns(f frame, places map[string]int, groups int) [][][]float64 {
	buckets, width := len(f.grid.Buckets), len(f.keys)
	flat := make([]float64, groups*buckets*width)
	cells := make([][][]float64, groups)
	for i := range flat {
		flat[i] = f.of.Needs[i%width].Reader.absent()
	}
	for g := range cells {
		cells[g] = make([][]float64, buckets)
		for b := range cells[g] {
			at := (g*buckets + b) * width
			cells[g][b] = flat[at : at+width : at+width]
		}
	}
	for i, key := range f.keys {
		t := r.tables[key]
		values := t.Columns[f.of.Needs[i].Name]
		if f.shares(i) {
			for g := range cells {
				for b, v := range values[0] {
					cells[g][b][i] = v
				}
			}
			continue
		}
		for g, group := range t.Groups {
			for b, v := range values[g] {
				cells[places[groupKey(group)]][b][i] = v
			}
		}
	}
	return cells
}

// shares reports whether all groups of a breakdown share the column, being of the whole.
func (f frame) shares(column int) bool {
	return f.of.Needs[column].Reader.Whole && f.grid.By != nil && f.grid.Except == nil
}

func has[K comparable, V any](in map[K]V, key K) bool {
	_, ok := in[key]
	return ok
}

// groupKey writes a group's keys so that equal ones are equal: a missing one is no text.
func groupKey(group []*string) string {
	var key strings.Builder
	for _, k := range group {
		if k == nil {
			key.WriteString("-\x00")
			continue
		}
		key.WriteString("=" + *k + "\x00")
	}
	return key.String()
}

// key tells a grid from all others of its snapshot.
func (g Grid) key() string {
	key := append(make([]byte, 0, 256), g.layout().key()...)
	text := func(s string) { key = append(append(key, s...), 0) }
	number := func(n int64) { key = append(strconv.AppendInt(key, n, 10), 0) }
	text(g.Zone.String())
	text(string(g.Interval))
	text(g.currency)
	number(int64(g.WeekStart))
	if g.asOf {
		number(g.Watermark.UnixNano())
	}
	text(g.home.String()) // a guess may have been of another
	number(g.rawSince.Unix())
	for _, d := range g.By {
		key = fmt.Appendf(key, "%s %q\x00", d.Kind, d.Name)
	}
	for _, list := range [][][]*string{g.Only, g.Except} {
		key = append(key, 0)
		if list == nil {
			continue
		}
		key = append(key, 1)
		for _, group := range list {
			key = strconv.AppendQuote(key, groupKey(group))
		}
	}
	return string(key) + g.Filter.key()
}

func bucketKey(buckets []calendar.Bucket) string { return string(appendBuckets(nil, buckets)) }

func appendBuckets(key []byte, buckets []calendar.Bucket) []byte {
	for _, b := range buckets {
		key = binary.LittleEndian.AppendUint64(key, uint64(b.Start.UnixNano()))
		key = binary.LittleEndian.AppendUint64(key, uint64(b.End.UnixNano()))
	}
	return key
}
