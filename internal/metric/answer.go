package metric

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Service answers queries for metrics.
type Service struct {
	app     *postgres.App
	catalog *Catalog
	guesses *otter.Cache[tenant.ID, guess]
}

// NewService makes the service.
func NewService(app *postgres.App, catalog *Catalog) *Service {
	return &Service{app, catalog, otter.Must(&otter.Options[tenant.ID, guess]{MaximumSize: maxGuesses})}
}

// Question asks for figures of a metric: for a value, unless it is Series or has By.
type Question struct {
	Of *Definition
	Ask
	Series bool // a figure for each bucket of the interval
	Smooth int  // with a moving average over so many buckets; 0: without
	By     []Dimension
	Top    int       // how many groups; the rest is put together
	Lists  []ListAsk // pages of the entities of each cell
}

// Answer is what was asked for, or why there is none.
type Answer struct {
	Value     *Value
	Series    *Series
	Breakdown *Breakdown
	Err       error

	// From is what it was read from, where the parts of an answer are told apart.
	From *topic.Readings
}

// Figure is how current and how certain figures are, and what they are of.
type Figure struct {
	Window
	Of      *Definition
	Exact   bool
	Sources Sources
}

// Complete reports whether the range ended at or before the watermark.
func (f Figure) Complete() bool { return !f.To.After(f.Watermark) }

// Range is the stretch of time that the figures are for.
func (f Figure) Range() Range { return Range{f.From, f.To} }

// ZoneName names the zone that they are for.
func (f Figure) ZoneName() string { return f.Zone.String() }

// DefinitionVersion is the version of the definition that they were worked out by.
func (f Figure) DefinitionVersion() int { return f.Of.Version }

// SourceNames are where they come from.
func (f Figure) SourceNames() []Source { return f.Sources.Names() }

// MoneyCurrency is the currency of money, and nil for all other units.
func (f Figure) MoneyCurrency() *string {
	if f.Of.Unit != UnitMoney {
		return nil
	}
	return &f.currency
}

// Range is a stretch of time, half-open.
type Range struct{ From, To time.Time }

// Money is an amount in minor units of a currency.
type Money struct {
	Amount   int
	Currency string // ISO 4217
}

// inquiry is a question that is being answered, in as many steps as it takes: each wants
// something of the round, and goes on once it has been read.
type inquiry interface {
	next(ctx context.Context, r *round) (done bool, err error)
	answer() Answer
}

// Answer answers questions together: from one snapshot, each distinct need read once. One
// question's error is none of the others'.
func (s *Service) Answer(ctx context.Context, questions []*Question) []Answer {
	answers := make([]Answer, len(questions))
	err := retelling(ctx, answers, func(ctx context.Context) error {
		return s.openFor(ctx, questions, func(r *round) error {
			return s.answer(ctx, r, questions, answers)
		})
	})
	if err != nil {
		for i := range answers {
			answers[i] = Answer{Err: err, From: answers[i].From}
		}
	}
	return answers
}

// retelling has questions answered, and notes what they were read from, all and each.
func retelling(ctx context.Context, answers []Answer, answer func(context.Context) error) error {
	all, common := topic.Shared(ctx)
	err := answer(all)
	if common == nil {
		return err // it was noted in the context itself
	}
	common.Retell(ctx)
	for i := range answers {
		if answers[i].From == nil {
			answers[i].From = common // it did not come to its own
			continue
		}
		answers[i].From.Add(common)
		answers[i].From.Retell(ctx)
	}
	return err
}

func (s *Service) answer(ctx context.Context, r *round, questions []*Question, answers []Answer) error {
	settled, problems, err := s.settle(ctx, r.house, questions)
	if err != nil {
		return err
	}
	if err := r.findCohorts(ctx, settled, problems); err != nil {
		return err
	}
	inquiries := map[int]recorded{}
	for i, q := range settled {
		own, readings := topic.Shared(ctx)
		answers[i].Err, answers[i].From = problems[i], readings
		if problems[i] != nil {
			continue
		}
		made, err := r.inquire(own, q)
		if err != nil {
			answers[i].Err = err
			continue
		}
		inquiries[i] = recorded{made, own}
	}
	return r.work(ctx, inquiries, answers)
}

// recorded is an inquiry with the context in which it notes what its answer is read from.
type recorded struct {
	inquiry
	ctx context.Context
}

// work goes on until all inquiries are done.
func (r *round) work(ctx context.Context, open map[int]recorded, answers []Answer) error {
	for len(open) > 0 {
		for i := range answers { // in their order, so that statements come in the same one
			q, is := open[i]
			if !is {
				continue
			}
			r.problem = nil
			done, err := q.next(q.ctx, r)
			if err == nil {
				err = r.problem
			}
			if err != nil || done {
				delete(open, i)
				from := answers[i].From
				answers[i] = q.answer()
				answers[i].Err, answers[i].From = err, from
			}
		}
		if err := r.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// inquire checks a question.
func (h house) inquire(ctx context.Context, q *Question) (inquiry, error) {
	if _, err := access.Require(ctx, q.Of.Permission); err != nil {
		return nil, err
	}
	if !h.who.Embed.AllowsMetric(q.Of.Key) {
		return nil, ErrNone
	}
	dimensions := q.Of.Dimensions()
	if err := q.Filter.check(dimensions); err != nil {
		return nil, err
	}
	if err := q.checkLists(); err != nil {
		return nil, err
	}
	if err := checkPersonal(h.who, q.By, q.Filter); err != nil {
		return nil, err
	}
	if h.who.Rows != nil && len(cohortsOf(q.Filter, q.By)) > 0 {
		return nil, ErrCohorts
	}
	if err := CheckComparisons(q.Compare); err != nil {
		return nil, err
	}
	if q.AsOf != nil && !q.Of.history() {
		return nil, fault.Input("asOf", "What was known of this metric is not kept.")
	}
	w, err := h.window(q.Ask)
	if err != nil {
		return nil, err
	}
	if w.elapsed() != w.To && q.shifts() {
		topic.NoteMoving(ctx) // what it is compared with grows with it
	}
	switch {
	case q.By != nil:
		return newBreakdown(w, q, dimensions)
	case q.Series:
		return newSeries(w, q)
	}
	return newValue(w, q)
}

// Value answers for a whole range.
func (s *Service) Value(ctx context.Context, d *Definition, ask Ask) (Value, error) {
	answer := s.Answer(ctx, []*Question{{Of: d, Ask: ask}})[0]
	if answer.Err != nil {
		return Value{}, answer.Err
	}
	return *answer.Value, nil
}

// Series answers for each bucket of a range.
func (s *Service) Series(ctx context.Context, d *Definition, ask Ask) (Series, error) {
	answer := s.Answer(ctx, []*Question{{Of: d, Ask: ask, Series: true}})[0]
	if answer.Err != nil {
		return Series{}, answer.Err
	}
	return *answer.Series, nil
}

// Value is one figure for a whole range.
type Value struct {
	Figure
	Value       *float64 // null for a ratio or an average of nothing
	Comparisons []ComparedValue
	Lists       Lists
}

// Money is the value as an amount, if it is one.
func (v Value) Money() *Money {
	if v.Of.Unit != UnitMoney || v.Value == nil {
		return nil
	}
	return &Money{int(math.Round(*v.Value)), v.currency}
}

// ComparedValue is the figure of another range, and how the value compares with it.
type ComparedValue struct {
	Change
	Range
	Kind  ComparisonKind
	Value *float64
}

type valueInquiry struct {
	made   Value
	q      *Question
	grid   Grid
	grids  []Grid // of the comparisons
	main   frame
	others []frame
	asked  bool
}

func newValue(w Window, q *Question) (inquiry, error) {
	v := &valueInquiry{q: q, made: Value{Figure: Figure{Window: w, Of: q.Of}, Comparisons: []ComparedValue{}}}
	v.grid = w.single(q.Filter)
	for _, c := range q.Compare {
		other, moved, err := w.compared(c, q.Last)
		if err != nil {
			return nil, err
		}
		g := other.single(q.Filter)
		if moved != nil {
			g.Before = v.grid.beforeMoved(*moved)
		}
		v.grids = append(v.grids, g)
		v.made.Comparisons = append(v.made.Comparisons, ComparedValue{Kind: c.Kind, Range: Range{other.From, other.To}})
	}
	return v, nil
}

func (v *valueInquiry) next(ctx context.Context, r *round) (bool, error) {
	if !v.asked {
		v.asked = true
		v.main = r.want(ctx, v.q.Of, v.grid)
		v.made.Lists = r.list(v.q.Of, v.grid, v.q.Lists)[0]
		for _, g := range v.grids {
			v.others = append(v.others, r.want(ctx, v.q.Of, g))
		}
		return false, nil
	}
	found := r.figures(v.main)
	v.made.Value, v.made.Exact, v.made.Sources = found.single(0), found.exact, found.sources
	for i, f := range v.others {
		other := r.figures(f)
		c := &v.made.Comparisons[i]
		c.Value = other.single(0)
		c.Change = changeOf(v.made.Value, c.Value)
		v.made.Exact, v.made.Sources = v.made.Exact && other.exact, v.made.Sources|other.sources
	}
	return true, nil
}

func (v *valueInquiry) answer() Answer { return Answer{Value: &v.made} }

// single is the value of a bucket where there is no breakdown.
func (f figures) single(bucket int) *float64 {
	if len(f.values) == 0 {
		return nil
	}
	return f.values[0][bucket]
}

func (s *Service) series(ctx context.Context, ask Ask, count counters) (answer Series, err error) {
	err = s.read(ctx, ask, func(tx pgx.Tx, w Window) error {
		laid, err := w.layout(ask.Interval)
		if err != nil {
			return err
		}
		w.noteNextClose(ctx, laid.full)
		t, err := count.read(ctx, tx, w.laid(laid, "", nil), "n")
		if err != nil {
			return err
		}
		answer = w.series(laid)
		for i := range laid.full {
			answer.Values[i] = &t.Columns["n"][0][i]
		}
		return nil
	})
	return answer, err
}

// layoutOf is a question's layout, with the buckets before its range that an average reaches
// back to.
func (w Window) layoutOf(q *Question) (laid *layout, before []calendar.Bucket, err error) {
	if laid, err = w.layout(q.Interval); err != nil || q.Smooth == 0 {
		return laid, nil, err
	}
	if q.Smooth < 2 || q.Smooth > maxSmooth {
		return nil, nil, fault.Input("movingAverage", "Between 2 and %d buckets are allowed.", maxSmooth)
	}
	grid := w.grid(q.Interval)
	first := grid.Floor(w.From)
	for n := q.Smooth - 1; n > 0; n-- {
		b := calendar.Bucket{Start: grid.Add(first, -n), End: grid.Add(first, 1-n)}
		if b.Start.Before(earliest) {
			return nil, nil, fault.Input("movingAverage", "It reaches back before the year 2000.")
		}
		before = append(before, b)
	}
	return laid, slices.Clip(before), nil
}
