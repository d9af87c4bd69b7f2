package metric

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// maxSmooth is how many buckets a moving average may go over.
const maxSmooth = 366

// Series is a figure for each bucket of a range, as parallel lists.
type Series struct {
	Figure
	Interval      calendar.Interval
	At            []time.Time
	Values        []*float64
	Complete      []bool
	MovingAverage []*float64 // nil unless asked for; of complete buckets alone
	Cumulative    []*float64 // nil for what does not add up
	Comparisons   []ComparedSeries
	Lists         Lists
}

// ComparedSeries is the figures of another range, and how the values compare with them.
type ComparedSeries struct {
	Range
	Kind        ComparisonKind
	At          []time.Time
	Values      []*float64
	Differences []*float64
	Ratios      []*float64
}

type seriesInquiry struct {
	made    Series
	q       *Question
	laid    *layout
	before  []calendar.Bucket // that a moving average reaches back to
	grids   []Grid            // of the comparisons
	main    frame
	skip    int   // buckets of it that lie before the range
	average frame // what the average is of
	others  []frame
	asked   bool
}

func newSeries(w Window, q *Question) (inquiry, error) {
	laid, before, err := w.layoutOf(q)
	if err != nil {
		return nil, err
	}
	s := &seriesInquiry{q: q, laid: laid, before: before, made: w.series(laid)}
	s.made.Of, s.made.Interval = q.Of, q.Interval
	for _, c := range q.Compare {
		grid, err := w.comparedGrid(c, q, laid)
		if err != nil {
			return nil, err
		}
		s.grids = append(s.grids, grid)
	}
	return s, nil
}

// comparedGrid are a comparison's buckets: those of the series moved, or those of its range.
func (w Window) comparedGrid(c Comparison, q *Question, laid *layout) (Grid, error) {
	other, s, err := w.compared(c, q.Last)
	if err != nil {
		return Grid{}, err
	}
	g := Grid{Window: other, Interval: q.Interval, Filter: q.Filter}
	if s != nil {
		g.Buckets = other.moved(laid.full, *s, q.Interval)
		g.Before = w.laid(laid, q.Interval, nil).beforeMoved(*s)
		return g, nil
	}
	own, err := other.buckets(q.Interval)
	g.Buckets = other.clip(own[:min(len(own), len(laid.full))])
	return g, err
}

func (s *seriesInquiry) next(ctx context.Context, r *round) (bool, error) {
	if !s.asked {
		s.asked = true
		s.made.noteNextClose(ctx, s.laid.full)
		w := s.made.Window
		g := w.laid(s.laid, s.q.Interval, s.q.Filter)
		if len(s.before) > 0 {
			s.average = r.want(ctx, s.q.Of, g.reachingBack(s.before, s.laid.full))
		}
		if s.main, s.skip = s.average, len(s.before); s.skip == 0 || s.laid.full[0].Start.Before(w.From) {
			s.main, s.skip = r.want(ctx, s.q.Of, g), 0
		}
		if err := s.list(r); err != nil {
			return true, err
		}
		for _, g := range s.grids {
			s.others = append(s.others, r.want(ctx, s.q.Of, g))
		}
		return false, nil
	}
	s.finish(r)
	return true, nil
}

// list asks for the entities of those buckets that are named.
func (s *seriesInquiry) list(r *round) error {
	s.made.Lists = Lists{}
	w := s.made.Window
	for _, ask := range s.q.Lists {
		b, err := bucketAt(s.laid.full, ask.At)
		if err != nil {
			return err
		}
		g := Grid{Window: w, Buckets: w.clip([]calendar.Bucket{b}), Interval: s.q.Interval, Filter: s.q.Filter}
		maps.Copy(s.made.Lists, r.list(s.q.Of, g, []ListAsk{ask})[0])
	}
	return nil
}

func (s *seriesInquiry) finish(r *round) {
	found := r.figures(s.main)
	s.made.Exact, s.made.Sources = found.exact, found.sources
	if len(found.values) > 0 {
		s.made.Values = found.values[0][s.skip:]
	}
	if len(s.before) > 0 {
		all := r.figures(s.average)
		s.made.Exact, s.made.Sources = s.made.Exact && all.exact, s.made.Sources|all.sources
		if len(all.values) > 0 {
			s.made.MovingAverage = smooth(all.values[0], s.q.Smooth, s.made.Complete)
		}
	}
	if s.q.Of.Additive {
		s.made.Cumulative = cumulative(s.made.Values)
	}
	s.made.Comparisons = make([]ComparedSeries, len(s.others))
	for i, f := range s.others {
		other := r.figures(f)
		s.made.Exact, s.made.Sources = s.made.Exact && other.exact, s.made.Sources|other.sources
		s.made.Comparisons[i] = s.made.comparedWith(s.q.Compare[i].Kind, f.grid, other)
	}
}

// reachingBack is the grid with what a moving average takes in: the buckets before, and the
// first bucket whole, of which the range may have a part.
func (g Grid) reachingBack(before, buckets []calendar.Bucket) Grid {
	g.From = before[0].Start
	g.Buckets = append(slices.Clone(before), g.clip(buckets)...)
	return g
}

func (s *seriesInquiry) answer() Answer { return Answer{Series: &s.made} }

// comparedWith lines another range's buckets up with those of the series.
func (s *Series) comparedWith(kind ComparisonKind, g Grid, other figures) ComparedSeries {
	c := ComparedSeries{
		Kind: kind, Range: Range{g.From, g.To},
		At: []time.Time{}, Values: make([]*float64, len(s.Values)),
		Differences: make([]*float64, len(s.Values)), Ratios: make([]*float64, len(s.Values)),
	}
	for i, b := range g.Buckets {
		c.At = append(c.At, b.Start)
		c.Values[i] = other.single(i)
		change := changeOf(s.Values[i], c.Values[i])
		c.Differences[i], c.Ratios[i] = change.Difference, change.Ratio
	}
	return c
}

// smooth gives the mean of each bucket and those before it, as many as asked for. A bucket
// without a value counts for none, and one that is not complete has no average yet.
func smooth(all []*float64, over int, complete []bool) []*float64 {
	averages := make([]*float64, len(complete))
	for i := range averages {
		if !complete[i] {
			continue
		}
		sum, n := 0.0, 0
		for _, v := range all[i : i+over] {
			if v != nil {
				sum, n = sum+*v, n+1
			}
		}
		averages[i] = Ratio(sum, float64(n))
	}
	return averages
}

func cumulative(values []*float64) []*float64 {
	sums, of, sum := make([]*float64, len(values)), make([]float64, len(values)), 0.0
	for i, v := range values {
		if v != nil {
			sum += *v
		}
		of[i] = sum
		sums[i] = &of[i]
	}
	return sums
}

// series makes the parallel lists of buckets, without their figures yet.
func (w Window) series(laid *layout) Series {
	s := Series{
		Figure: Figure{Window: w}, At: laid.starts,
		Values: make([]*float64, len(laid.full)), Complete: make([]bool, len(laid.full)),
	}
	for i, b := range laid.full {
		s.Complete[i] = !b.End.After(w.Watermark)
	}
	return s
}
