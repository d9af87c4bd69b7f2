package metric

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The bounds of breakdowns.
const (
	maxTop     = 100
	defaultTop = 10
	// MaxGroups is how many groups a reader gives at most: the largest ones.
	MaxGroups = 10_000
)

// Breakdown is a figure for each group, the largest first.
type Breakdown struct {
	Figure
	By       []Dimension
	Interval calendar.Interval // empty: without series
	At       []time.Time       // of the rows' series
	Complete []bool
	Rows     []Row
	Rest     *Row // what the rows leave; nil: nothing
	Total    Row
	Groups   int // how many there are
}

// Row is one group's figures.
type Row struct {
	Keys        []*string // by dimension; nil where there is no value of it
	Value       *float64
	Values      []*float64 // of each bucket
	Comparisons []ComparedValue
}

type breakdownInquiry struct {
	made    Breakdown
	q       *Question
	buckets []calendar.Bucket
	others  []Window // of the comparisons
	step    int

	whole, total  frame
	top           [][]*string // the groups that are shown
	rest          *frame
	series        *frame
	restSeries    *frame
	totalSeries   *frame
	compared      []frame
	comparedRest  []frame
	comparedTotal []frame
}

func newBreakdown(w Window, q *Question, dims []DimensionKind) (inquiry, error) {
	if err := checkBreakdown(q.By, dims); err != nil {
		return nil, err
	}
	if q.Top < 1 || q.Top > maxTop {
		return nil, fault.Input("top", "Between 1 and %d are allowed.", maxTop)
	}
	b := &breakdownInquiry{q: q, made: Breakdown{Figure: Figure{Window: w, Of: q.Of}, By: q.By, Interval: q.Interval}}
	for _, c := range q.Compare {
		other, _, err := w.compared(c, q.Last)
		if err != nil {
			return nil, err
		}
		b.others = append(b.others, other)
	}
	if q.Interval == "" {
		return b, nil
	}
	var err error
	if b.buckets, err = w.buckets(q.Interval); err != nil {
		return nil, err
	}
	if n := len(b.buckets) * q.Top; n > maxCells {
		return nil, fault.Input("interval", "That is %d figures, and at most %d are given. Ask for fewer groups, or a longer interval.", n, maxCells)
	}
	s := w.series(b.buckets)
	b.made.At, b.made.Complete = s.At, s.Complete
	return b, nil
}

// maxCells is how many figures a breakdown may have.
const maxCells = 20_000

func (b *breakdownInquiry) answer() Answer { return Answer{Breakdown: &b.made} }

func (b *breakdownInquiry) next(ctx context.Context, r *round) (bool, error) {
	b.step++
	switch b.step {
	case 1:
		b.whole = b.want(ctx, r, b.made.Window, nil, nil, b.q.By)
		b.total = b.want(ctx, r, b.made.Window, nil, nil, nil)
		return false, nil
	case 2:
		b.choose(r.figures(b.whole))
		b.wantTheRest(ctx, r)
		return false, nil
	}
	b.finish(r)
	return true, nil
}

// want asks for a grid of a window in one bucket, or in the given ones.
func (b *breakdownInquiry) want(ctx context.Context, r *round, w Window, only, except [][]*string, by []Dimension) frame {
	return r.want(ctx, b.q.Of, Grid{Window: w, Buckets: w.whole(), Filter: b.q.Filter, By: by, Only: only, Except: except})
}

// choose takes the largest groups, those of equal size by their keys.
func (b *breakdownInquiry) choose(found figures) {
	b.made.Exact, b.made.Sources, b.made.Groups = found.exact, found.sources, len(found.groups)
	order := make([]int, len(found.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(bySize(found.values[x][0], found.values[y][0]), cmp.Compare(groupKey(found.groups[x]), groupKey(found.groups[y])))
	})
	b.made.Rows = []Row{}
	for _, i := range order[:min(len(order), b.q.Top)] {
		b.top = append(b.top, found.groups[i])
		b.made.Rows = append(b.made.Rows, Row{Keys: found.groups[i], Value: found.values[i][0], Comparisons: []ComparedValue{}})
	}
}

// bySize puts the larger first, and what has no value last.
func bySize(x, y *float64) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return cmp.Compare(*y, *x)
}

// wantTheRest asks for what depends on which groups are shown.
func (b *breakdownInquiry) wantTheRest(ctx context.Context, r *round) {
	w, by := b.made.Window, b.q.By
	left := b.made.Groups > len(b.top)
	if left && !b.q.Of.adds() {
		f := b.want(ctx, r, w, nil, b.top, by)
		b.rest = &f
	}
	if b.buckets != nil {
		b.wantSeries(ctx, r, left)
	}
	for _, other := range b.others {
		b.comparedTotal = append(b.comparedTotal, b.want(ctx, r, other, nil, nil, nil))
		if b.q.Of.adds() {
			b.compared = append(b.compared, b.want(ctx, r, other, nil, nil, by))
			continue
		}
		b.compared = append(b.compared, b.want(ctx, r, other, b.top, nil, by))
		if left {
			b.comparedRest = append(b.comparedRest, b.want(ctx, r, other, nil, b.top, by))
		}
	}
}

func (b *breakdownInquiry) wantSeries(ctx context.Context, r *round, left bool) {
	w := b.made.Window
	g := Grid{Window: w, Interval: b.q.Interval, Buckets: w.clip(b.buckets), Filter: b.q.Filter}
	w.noteNextClose(ctx, b.buckets)
	total := r.want(ctx, b.q.Of, g)
	g.By, g.Only = b.q.By, b.top
	shown := r.want(ctx, b.q.Of, g)
	b.totalSeries, b.series = &total, &shown
	if left {
		g.Only, g.Except = nil, b.top
		rest := r.want(ctx, b.q.Of, g)
		b.restSeries = &rest
	}
}

func (b *breakdownInquiry) finish(r *round) {
	whole, total := r.figures(b.whole), r.figures(b.total)
	b.made.Total = Row{Keys: []*string{}, Value: total.single(0), Comparisons: []ComparedValue{}}
	if b.made.Groups > len(b.top) {
		b.made.Rest = &Row{Keys: []*string{}, Value: b.restOf(r, whole, b.rest), Comparisons: []ComparedValue{}}
	}
	b.finishSeries(r)
	for i, f := range b.compared {
		var rest *frame
		if b.comparedRest != nil {
			rest = &b.comparedRest[i]
		}
		b.finishComparison(r, i, r.figures(f), rest)
	}
}

// restOf is what the groups that are shown leave: added up, or read for itself.
func (b *breakdownInquiry) restOf(r *round, all figures, read *frame) *float64 {
	if read != nil {
		return r.figures(*read).single(0)
	}
	sums := make([]float64, len(b.q.Of.Needs))
	shown := places(b.top)
	for g, group := range all.groups {
		if _, is := shown[groupKey(group)]; is {
			continue
		}
		for i, v := range all.cells[g][0] {
			sums[i] += v
		}
	}
	return b.q.Of.figure(sums)
}

func (b *breakdownInquiry) finishSeries(r *round) {
	if b.series == nil {
		return
	}
	found := r.figures(*b.series)
	at := places(found.groups)
	for i := range b.made.Rows {
		b.made.Rows[i].Values = b.valuesOf(found, at, b.made.Rows[i].Keys)
	}
	b.made.Total.Values = b.valuesOf(r.figures(*b.totalSeries), map[string]int{"": 0}, nil)
	if b.made.Rest != nil {
		b.made.Rest.Values = b.valuesOf(r.figures(*b.restSeries), map[string]int{"": 0}, nil)
	}
}

// valuesOf are a group's figures, of nothing where it is not there.
func (b *breakdownInquiry) valuesOf(found figures, at map[string]int, keys []*string) []*float64 {
	if i, ok := at[groupKey(keys)]; ok && i < len(found.values) {
		return found.values[i]
	}
	values := make([]*float64, len(b.buckets))
	for i := range values {
		values[i] = b.q.Of.nothing()
	}
	return values
}

func (b *breakdownInquiry) finishComparison(r *round, i int, found figures, rest *frame) {
	b.made.Exact, b.made.Sources = b.made.Exact && found.exact, b.made.Sources|found.sources
	at := places(found.groups)
	compare := func(row *Row, then *float64) {
		row.Comparisons = append(row.Comparisons, ComparedValue{
			Kind: b.q.Compare[i].Kind, Range: Range{b.others[i].From, b.others[i].To},
			Value: then, Change: changeOf(row.Value, then),
		})
	}
	for j := range b.made.Rows {
		row := &b.made.Rows[j]
		then := b.q.Of.nothing()
		if g, ok := at[groupKey(row.Keys)]; ok {
			then = found.values[g][0]
		}
		compare(row, then)
	}
	compare(&b.made.Total, r.figures(b.comparedTotal[i]).single(0))
	if b.made.Rest != nil {
		compare(b.made.Rest, b.restOf(r, found, rest))
	}
}

// nothing is the metric's figure of nothing at all.
func (d *Definition) nothing() *float64 {
	columns := make([]float64, len(d.Needs))
	for i, c := range d.Needs {
		columns[i] = c.Reader.absent()
	}
	return d.figure(columns)
}

func places(groups [][]*string) map[string]int {
	at := make(map[string]int, len(groups))
	for i, g := range groups {
		at[groupKey(g)] = i
	}
	return at
}
