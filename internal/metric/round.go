package metric

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// round gathers what questions need to be read, and reads each distinct need once.
type round struct {
	house
	wanted []need
	tables map[string]*Table
}

// need is a reader's grid. Equal needs have equal keys.
type need struct {
	key    string
	reader *Reader
	grid   Grid
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
	suffix := g.key()
	for _, c := range d.Needs {
		key := c.Reader.Name + "\x00" + suffix
		f.keys = append(f.keys, key)
		if r.tables[key] == nil && !slices.ContainsFunc(r.wanted, func(n need) bool { return n.key == key }) {
			r.wanted = append(r.wanted, need{key, c.Reader, g})
		}
		g.note(ctx, c.Reader.Lookback) // also of what was read already: by a guess nothing is noted
	}
	return f
}

// read reads what is wanted, and something beside it, all in one round trip to the database.
func (r *round) read(ctx context.Context, reads ...func(dbsqlc.DBTX) error) error {
	tables := make([]*Table, len(r.wanted))
	for i, n := range r.wanted {
		reads = append(reads, func(db dbsqlc.DBTX) (err error) {
			tables[i], err = n.reader.Read(ctx, db, n.grid)
			if err != nil {
				err = fmt.Errorf("read %s: %w", n.reader.Name, err)
			}
			return err
		})
	}
	if err := postgres.Together(ctx, r.tx, reads...); err != nil {
		return err
	}
	for i, n := range r.wanted {
		r.tables[n.key] = tables[i]
	}
	r.wanted = nil
	return nil
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
	for _, key := range f.keys {
		t := r.tables[key]
		made.sources |= t.Sources
		made.exact = made.exact && t.Exact
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
		made.values[g] = make([]*float64, len(f.grid.Buckets))
		for b, bucket := range f.grid.Buckets {
			if bucket.Start.Before(bucket.End) {
				made.values[g][b] = f.of.figure(cells[g][b])
			}
		}
	}
	return made
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
		for g, group := range t.Groups {
			for b, v := range values[g] {
				cells[places[groupKey(group)]][b][i] = v
			}
		}
	}
	return cells
}

func has(places map[string]int, key string) bool {
	_, ok := places[key]
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
	key := make([]byte, 0, 64+16*len(g.Buckets))
	for _, b := range g.Buckets {
		key = binary.LittleEndian.AppendUint64(key, uint64(b.Start.UnixNano()))
		key = binary.LittleEndian.AppendUint64(key, uint64(b.End.UnixNano()))
	}
	var known int64
	if g.asOf {
		known = g.Watermark.UnixNano()
	}
	key = fmt.Appendf(key, "\x00%s %d %s %d %s\x00", g.Zone, g.WeekStart, g.Interval, known, g.Currency())
	for _, d := range g.By {
		key = fmt.Appendf(key, "%s %q\x00", d.Kind, d.Name)
	}
	for _, list := range [][][]*string{g.Only, g.Except} {
		key = append(key, fmt.Sprintf("\x00%t\x00", list == nil)...)
		for _, group := range list {
			key = fmt.Appendf(key, "%q", groupKey(group))
		}
	}
	return string(key) + g.Filter.key()
}
