package metric

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The bounds of breakdowns.
const (
	maxTop = 100
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
	Lists       Lists
}

type breakdownInquiry struct {
	made   Breakdown
	q      *Question
	laid   *layout  // of its series; nil: it has none
	others []Window // of the comparisons
	step   int

	whole         frame
	total         total
	top           [][]*string // the groups that are shown
	rest          *frame
	series        *frame
	restSeries    *frame
	totalSeries   *frame
	compared      []frame
	comparedRest  []frame
	comparedTotal []total
	comparedAll   []bool // whether all groups were read, so that the rest adds up

	totalLists, restLists Lists
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
	if b.laid, err = w.layout(q.Interval); err != nil {
		return nil, err
	}
	if n := len(b.laid.full) * q.Top; n > maxCells {
		return nil, fault.Input("interval", "That is %d figures, and at most %d are given. Ask for fewer groups, or a longer interval.", n, maxCells)
	}
	s := w.series(b.laid)
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
		if b.q.Of.adds() { // what is compared with is then needed whole, whatever will be shown
			for _, other := range b.others {
				b.want(ctx, r, other, nil, nil, b.q.By)
			}
		} else {
			b.want(ctx, r, b.made.Window, nil, nil, nil)
		}
		return false, nil
	case 2:
		found := r.figures(b.whole)
		b.choose(found)
		b.total = b.totalOf(ctx, r, b.made.Window, found)
		b.wantTheRest(ctx, r)
		return false, nil
	case 3:
		if b.wantWhatWasCut(ctx, r) {
			return false, nil
		}
	}
	b.finish(r)
	return true, nil
}

// want asks for a grid of a window in one bucket, or in the given ones.
func (b *breakdownInquiry) want(ctx context.Context, r *round, w Window, only, except [][]*string, by []Dimension) frame {
	g := w.single(b.q.Filter)
	g.By, g.Only, g.Except = by, only, except
	return r.want(ctx, b.q.Of, g)
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
	b.made.Rows, b.top = []Row{}, [][]*string{}
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
	left := b.leaves()
	if left && !b.addsUp(b.made.Groups) {
		f := b.want(ctx, r, w, nil, b.top, by)
		b.rest = &f
	}
	if b.laid != nil {
		b.wantSeries(ctx, r, left)
	}
	b.list(r, left)
	for i, other := range b.others {
		b.compared, b.comparedRest = append(b.compared, frame{}), append(b.comparedRest, frame{})
		b.comparedAll = append(b.comparedAll, b.q.Of.adds())
		var found figures
		if b.comparedAll[i] {
			b.compared[i] = b.want(ctx, r, other, nil, nil, by)
			found = r.figures(b.compared[i]) // it was wanted in the first step
		} else {
			b.wantShown(ctx, r, i)
		}
		b.comparedTotal = append(b.comparedTotal, b.totalOf(ctx, r, other, found))
	}
}

// total is the figure of all groups together: added up, or else read for itself.
type total struct {
	sum  *float64
	read *frame
}

// totalOf adds groups up, or asks for their total where that may be something else: groups are
// missing, there are none, or what they have is not in whole numbers, which add up in any order.
func (b *breakdownInquiry) totalOf(ctx context.Context, r *round, w Window, found figures) total {
	if len(found.groups) > 0 && b.addsUp(len(found.groups)) {
		if sums, whole := b.sumsOf(found, nil); whole {
			return total{sum: b.q.Of.figure(sums)}
		}
	}
	read := b.want(ctx, r, w, nil, nil, nil)
	return total{read: &read}
}

func (b *breakdownInquiry) figureOf(r *round, t total) *float64 {
	if t.read == nil {
		return t.sum
	}
	return b.single(r, *t.read)
}

// single is the figure of a frame that has one cell.
func (b *breakdownInquiry) single(r *round, f frame) *float64 { return b.count(r.figures(f)).single(0) }

// maxWhole is up to where every whole number is a float64.
const maxWhole = 1 << 53

// sumsOf adds up the columns of all groups but some; whole: of whole numbers alone.
func (b *breakdownInquiry) sumsOf(found figures, except [][]*string) (sums []float64, whole bool) {
	sums, whole = make([]float64, len(b.q.Of.Needs)), true
	left := places(except)
	for g, group := range found.groups {
		if has(left, groupKey(group)) {
			continue
		}
		for i, v := range found.cells[g][0] {
			sums[i] += v
			whole = whole && v == math.Trunc(v) && math.Abs(sums[i]) < maxWhole
		}
	}
	return sums, whole
}

// wantShown asks for what is shown in a comparison, group by group, and for the rest.
func (b *breakdownInquiry) wantShown(ctx context.Context, r *round, i int) {
	b.compared[i] = b.want(ctx, r, b.others[i], b.top, nil, b.q.By)
	if b.leaves() {
		b.comparedRest[i] = b.want(ctx, r, b.others[i], nil, b.top, b.q.By)
	}
}

// leaves reports whether there are groups that are not shown.
func (b *breakdownInquiry) leaves() bool { return b.made.Groups > len(b.top) }

// addsUp reports whether groups, of which there are so many, add up to what they leave: not
// where a reader may have left some out.
func (b *breakdownInquiry) addsUp(groups int) bool { return b.q.Of.adds() && groups < MaxGroups }

// wantWhatWasCut asks anew for comparisons that have too many groups to be read whole: one that
// is shown may be among those that were left out.
func (b *breakdownInquiry) wantWhatWasCut(ctx context.Context, r *round) (some bool) {
	for i := range b.others {
		if b.comparedAll[i] && !b.addsUp(len(r.figures(b.compared[i]).groups)) {
			some, b.comparedAll[i] = true, false
			b.wantShown(ctx, r, i)
		}
	}
	return some
}

// list asks for the entities of each row.
func (b *breakdownInquiry) list(r *round, left bool) {
	if len(b.q.Lists) == 0 {
		return
	}
	g := b.made.single(b.q.Filter)
	b.totalLists = r.list(b.q.Of, g, b.q.Lists)[0]
	if g.By = b.q.By; len(b.top) > 0 {
		g.Only = b.top
		for i, lists := range r.list(b.q.Of, g, b.q.Lists) {
			b.made.Rows[i].Lists = lists
		}
	}
	if left {
		g.Only, g.Except = nil, b.top
		b.restLists = r.list(b.q.Of, g, b.q.Lists)[0]
	}
}

func (b *breakdownInquiry) wantSeries(ctx context.Context, r *round, left bool) {
	w := b.made.Window
	g := w.laid(b.laid, b.q.Interval, b.q.Filter)
	w.noteNextClose(ctx, b.laid.full)
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
	whole := r.figures(b.whole)
	b.made.Total = Row{Keys: []*string{}, Value: b.figureOf(r, b.total), Comparisons: []ComparedValue{}, Lists: b.totalLists}
	if b.leaves() {
		b.made.Rest = &Row{Keys: []*string{}, Value: b.restOf(r, whole, b.rest), Comparisons: []ComparedValue{}, Lists: b.restLists}
	}
	b.finishSeries(r)
	for i, f := range b.compared {
		var rest *frame
		if !b.comparedAll[i] {
			rest = &b.comparedRest[i]
		}
		b.finishComparison(r, i, r.figures(f), rest)
	}
}

// restOf is what the groups that are shown leave: added up, or read for itself.
func (b *breakdownInquiry) restOf(r *round, all figures, read *frame) *float64 {
	if read != nil {
		return b.single(r, *read)
	}
	sums, _ := b.sumsOf(all, b.top)
	return b.q.Of.figure(sums)
}

// count adds where figures come from to where all of them do.
func (b *breakdownInquiry) count(found figures) figures {
	b.made.Exact, b.made.Sources = b.made.Exact && found.exact, b.made.Sources|found.sources
	return found
}

func (b *breakdownInquiry) finishSeries(r *round) {
	if b.series == nil {
		return
	}
	found := b.count(r.figures(*b.series))
	at := places(found.groups)
	for i := range b.made.Rows {
		b.made.Rows[i].Values = b.valuesOf(found, at, b.made.Rows[i].Keys)
	}
	b.made.Total.Values = b.valuesOf(b.count(r.figures(*b.totalSeries)), map[string]int{"": 0}, nil)
	if b.made.Rest != nil {
		b.made.Rest.Values = b.valuesOf(b.count(r.figures(*b.restSeries)), map[string]int{"": 0}, nil)
	}
}

// valuesOf are a group's figures, of nothing where it is not there.
func (b *breakdownInquiry) valuesOf(found figures, at map[string]int, keys []*string) []*float64 {
	if i, ok := at[groupKey(keys)]; ok && i < len(found.values) {
		return found.values[i]
	}
	values := make([]*float64, len(b.laid.full))
	for i := range values {
		values[i] = b.q.Of.nothing()
	}
	return values
}

func (b *breakdownInquiry) finishComparison(r *round, i int, found figures, rest *frame) {
	at := places(b.count(found).groups)
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
	compare(&b.made.Total, b.figureOf(r, b.comparedTotal[i]))
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
