package metric

import (
	"context"
	"math"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Grid is what a reader fills: buckets of time, times groups of a breakdown.
type Grid struct {
	Window
	Buckets  []calendar.Bucket // in order, each within the window; an empty one has no value
	Interval calendar.Interval // empty for a whole range
	By       []Dimension       // none, or one to three
	Only     [][]*string       // of a breakdown: these groups alone; nil: all
	Except   [][]*string       // all but these, as a single group; nil: none
	Filter   *Filter           // nil: none

	// Before are the whole buckets before each bucket, for readers that tell it against them;
	// nil: those of the calendar, or of the same length.
	Before []calendar.Bucket

	laid  *layout                // of the buckets, if they were laid out before
	stale map[calendar.Date]bool // days that will hardly be closed, though they are over
}

// Plain reports whether nothing is asked for that only single events can tell.
func (g Grid) Plain() bool {
	return !g.narrowed && !g.asOf && len(g.By) == 0 && g.Filter == nil
}

// Narrowed reports whether the caller sees some rows alone.
func (g Grid) Narrowed() bool { return g.narrowed }

// AsOf is as of when rows count that were known then; false: all that are known now.
func (g Grid) AsOf() (time.Time, bool) { return g.Watermark, g.asOf }

// Home is the tenant's own zone, by whose days things are kept.
func (g Grid) Home() calendar.Zone { return g.home }

// Reader reads columns for every cell of a grid, by a number of statements that does not
// depend on the grid.
type Reader struct {
	Name       string // tells it from all others: equal names read the same
	Columns    []string
	Dimensions []DimensionKind
	Lookback   int      // days before the grid on which its columns depend as well
	Adds       []string // the columns whose groups add up to their total
	Null       bool     // what there is nothing of has no value, and is not 0
	Clock      bool     // it depends on the watermark, and not on its grid alone
	History    bool     // it can tell what was known at an instant of the past
	Against    bool     // it tells buckets against those before them
	Whole      bool     // it tells of all there is, whatever the filter and the group: what shares are of
	Read       func(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error)
	// daily, if there is one, says whether Read of a grid would count by days: then a round does
	// so for all of its needs at once.
	daily func(g Grid) *daily
	List  Lister // nil: what its columns are made of cannot be listed
}

// Table is what a reader found.
type Table struct {
	Groups  [][]*string            // without a breakdown a single one, of no keys
	Columns map[string][][]float64 // by group and bucket; NaN where there is no value
	Sources Sources
	Exact   bool
	Problem error // why it cannot be told, as by a missing exchange rate: the metrics that need it are refused, and no others
}

// NewTable makes a table of one group whose columns are 0 in every bucket.
func NewTable(g Grid, columns ...string) *Table {
	t := &Table{Groups: [][]*string{{}}, Columns: map[string][][]float64{}, Exact: true}
	for _, name := range columns {
		t.Columns[name] = [][]float64{make([]float64, len(g.Buckets))}
	}
	return t
}

// Sources say where figures come from, as a set.
type Sources uint8

// The sources, as in the schema's enum FigureSource.
const (
	Materialized Sources = 1 << iota // closed days, from their view
	Open                             // what is added to them, from the rollups
	Raw                              // single events, or single movements of revenue
)

// Names lists the sources in the words of the schema.
func (s Sources) Names() []Source {
	names := []Source{}
	for i, name := range []Source{SourceMaterialized, SourceOpen, SourceRaw} {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Source is where a figure comes from.
type Source string

// The sources, as in the schema's enum FigureSource.
const (
	SourceMaterialized Source = "MATERIALIZED"
	SourceOpen         Source = "OPEN"
	SourceRaw          Source = "RAW"
)

func orNull(v float64) *float64 {
	if !isNumber(v) {
		return nil
	}
	return &v
}

func isNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Ratio is a by b; null where b is 0 or either has no value.
func Ratio(a, b float64) *float64 {
	if b == 0 {
		return nil
	}
	return orNull(a / b)
}
