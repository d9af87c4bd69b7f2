package journey

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// AllOrders lists the orders in the order of the schema.
func AllOrders() []Order { return []Order{Sequential, Strict, Any} }

// AllTouches lists the touches in the order of the schema.
func AllTouches() []Touch { return []Touch{FirstTouch, LastTouch, StepTouch} }

// FunnelAsk asks how far units come. Steps are counted from 1, as people do.
type FunnelAsk struct {
	metric.Ask // its range says when units may enter; its interval is that of the trend, if there is one
	Unit       Unit
	Steps      []Events
	Order      Order
	Within     time.Duration // of the entry
	Exclusions []ExclusionAsk
	By         []metric.Dimension
	Touch      Touch
	TouchStep  int // of StepTouch
	Top        int
}

// ExclusionAsk removes units that did something after one step and before a later one.
type ExclusionAsk struct {
	Of            Events
	After, Before int
}

// maxWithin is how long a window may be.
const maxWithin = 366 * 24 * time.Hour

func (a *FunnelAsk) check(shot metric.Snapshot) error {
	switch {
	case len(a.Steps) < MinSteps || len(a.Steps) > MaxSteps:
		return fault.Input("steps", "A funnel has between %d and %d steps.", MinSteps, MaxSteps)
	case !slices.Contains(AllOrders(), a.Order):
		return fault.Input("order", "There is no such order.")
	case a.Within < time.Second || a.Within > maxWithin:
		return fault.Input("within", "A window is between a second and %d days long.", maxWithin/(24*time.Hour))
	case len(a.Exclusions) > MaxExclusions:
		return fault.Input("exclusions", "At most %d are allowed.", MaxExclusions)
	case a.AsOf != nil:
		return fault.Input("asOf", "Funnels are told as they are known now.")
	case a.Interval != "" && !a.Interval.Valid():
		return fault.Input("interval", "There is no such interval.")
	}
	if err := metric.CheckComparisons(a.Compare); err != nil {
		return err
	}
	if err := a.checkEvents(shot); err != nil {
		return err
	}
	return a.checkGroups(shot)
}

func (a *FunnelAsk) checkEvents(shot metric.Snapshot) error {
	for i, step := range a.Steps {
		if err := shot.CheckEvents(fmt.Sprintf("steps[%d]", i), step.Types, step.Filter); err != nil {
			return err
		}
	}
	for i, x := range a.Exclusions {
		field := fmt.Sprintf("exclusions[%d]", i)
		if err := shot.CheckEvents(field+".event", x.Of.Types, x.Of.Filter); err != nil {
			return err
		}
		if x.After < 1 || x.Before <= x.After || x.Before > len(a.Steps) {
			return fault.Input(field, "An exclusion lies after a step and before a later one.")
		}
	}
	return nil
}

func (a *FunnelAsk) checkGroups(shot metric.Snapshot) error {
	if a.By == nil {
		return nil
	}
	switch {
	case a.Top < 1 || a.Top > maxTop:
		return fault.Input("top", "Between 1 and %d are allowed.", maxTop)
	case !slices.Contains(AllTouches(), a.Touch):
		return fault.Input("attribution", "There is no such attribution.")
	case a.Touch == StepTouch && (a.TouchStep < 1 || a.TouchStep > len(a.Steps)):
		return fault.Input("attributionStep", "Which step? Between 1 and %d.", len(a.Steps))
	}
	return shot.CheckBreakdown(a.By)
}

// events are all that a funnel asks for.
func (a *FunnelAsk) events() []Events {
	all := slices.Clone(a.Steps)
	for _, x := range a.Exclusions {
		all = append(all, x.Of)
	}
	return all
}

// Funneled tells how far units came.
type Funneled struct {
	Provenance
	FunnelGroup               // of all
	Groups      []FunnelGroup // the largest first
	Rest        *FunnelGroup
	GroupCount  int
	Trend       *FunnelTrend
	Comparisons []ComparedFunnel
}

// FunnelGroup are the figures of one value of a breakdown.
type FunnelGroup struct {
	Keys      []*string
	Steps     []FunnelStep
	Open      int // entrants who have not converted, and may yet
	ToConvert *Durations
}

// FunnelStep is how many came to a step.
type FunnelStep struct {
	Number       int // from 1
	Count        int
	Overall      *float64 // of those who entered
	FromPrevious *float64 // of those who came to the step before
	Took         *Durations

	unit     Unit
	last     bool // of the funnel
	attempts []*trip
}

// FunnelTrend tells entrants by when they entered.
type FunnelTrend struct {
	At                 []time.Time
	Complete           []bool // whether all windows of those who entered then are over
	Entered, Converted []int
	Rates              []*float64
}

// ComparedFunnel is the funnel of another range.
type ComparedFunnel struct {
	Kind  metric.ComparisonKind
	Range metric.Range
	Steps []FunnelStep
}

// trip is an attempt that counts, as it is kept.
type trip struct {
	unit int64
	key  Key
	at   []int64
}

// Funnel tells how far units come.
func (s *Service) Funnel(ctx context.Context, ask FunnelAsk) (f *Funneled, err error) {
	err = s.snapshot(ctx, func(shot metric.Snapshot) error {
		if err := ask.check(shot); err != nil {
			return err
		}
		w, err := shot.Window(ask.Ask)
		if err != nil {
			return err
		}
		return s.play(ctx, shot, ask.Unit, ask.events(), ask.By, func(sc *scene) error {
			f, err = sc.funnel(ctx, &ask, w)
			return err
		})
	})
	return f, err
}

func (s *scene) funnel(ctx context.Context, ask *FunnelAsk, w metric.Window) (*Funneled, error) {
	f := &Funneled{Provenance: provenance(w, w.Whole(w.From))}
	of, err := s.steps(ctx, ask)
	if err != nil {
		return nil, err
	}
	teller := s.teller(ask.By)
	trips, err := s.trips(ctx, ask, of, w, teller)
	if err != nil {
		return nil, err
	}
	f.FunnelGroup = ask.group(nil, trips, w.Watermark)
	f.tellGroups(ask, trips, teller)
	if ask.Interval != "" {
		if f.Trend, err = ask.trend(trips, w); err != nil {
			return nil, err
		}
	}
	ask.noteOpen(ctx, trips, w)
	for _, c := range ask.Compare {
		other, err := s.Compared(w, c, ask.Last)
		if err != nil {
			return nil, err
		}
		trips, err := s.trips(ctx, ask, of, other, nil)
		if err != nil {
			return nil, err
		}
		f.Comparisons = append(f.Comparisons, ComparedFunnel{c.Kind, metric.Range{From: other.From, To: other.To}, ask.steps(trips)})
	}
	return f, nil
}

// steps finds which events are the funnel's.
func (s *scene) steps(ctx context.Context, ask *FunnelAsk) (*Funnel, error) {
	f := &Funnel{Order: ask.Order, Window: ask.Within.Microseconds()}
	for _, step := range ask.Steps {
		m, err := s.matcher(ctx, step)
		if err != nil {
			return nil, err
		}
		f.Steps = append(f.Steps, m)
	}
	for _, x := range ask.Exclusions {
		m, err := s.matcher(ctx, x.Of)
		if err != nil {
			return nil, err
		}
		f.Exclusions = append(f.Exclusions, Exclusion{m, x.After - 1, x.Before - 1})
	}
	return f, nil
}

// trips are the attempts that count of who entered within a window.
func (s *scene) trips(ctx context.Context, ask *FunnelAsk, of *Funnel, w metric.Window, teller *teller) ([]*trip, error) {
	of.From, of.To = w.From.UnixMicro(), w.To.UnixMicro()
	found := make([][]*trip, history.Workers())
	err := of.Run(ctx, s.columns, s.kind, func(n int, a *Attempt) {
		t := &trip{unit: a.Unit, at: slices.Clone(a.At[:a.Reached])}
		if teller != nil {
			t.key = ask.touched(a, teller)
		}
		found[n] = append(found[n], t)
	})
	w.NoteLife(ctx, w.To.Add(ask.Within))
	return slices.Concat(found...), err
}

// touched is what an attempt is told by.
func (a *FunnelAsk) touched(of *Attempt, teller *teller) (key Key) {
	rows := of.Rows[:of.Reached]
	switch a.Touch {
	case StepTouch:
		if a.TouchStep > of.Reached {
			return key
		}
		return teller.key(rows[a.TouchStep-1])
	case LastTouch:
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	for _, row := range rows { // of each dimension the first that has a value
		for i, code := range teller.key(row) {
			if key[i] == 0 {
				key[i] = code
			}
		}
	}
	return key
}

// steps counts who came to each step.
func (a *FunnelAsk) steps(trips []*trip) []FunnelStep {
	steps := make([]FunnelStep, len(a.Steps))
	took := make([][]int64, len(steps))
	for i := range steps {
		steps[i] = FunnelStep{Number: i + 1, unit: a.Unit, last: i == len(steps)-1, attempts: trips}
	}
	for _, t := range trips {
		for i := range t.at {
			steps[i].Count++
			if i > 0 {
				took[i] = append(took[i], t.at[i]-t.at[i-1])
			}
		}
	}
	for i := range steps {
		steps[i].Overall = metric.Ratio(float64(steps[i].Count), float64(steps[0].Count))
		if i > 0 {
			steps[i].FromPrevious = metric.Ratio(float64(steps[i].Count), float64(steps[i-1].Count))
			steps[i].Took = durations(took[i], a.Within)
		}
	}
	return steps
}

// isOpen reports whether who took a trip may get further yet.
func (a *FunnelAsk) isOpen(t *trip, now time.Time) bool {
	return len(t.at) < len(a.Steps) && t.at[0]+a.Within.Microseconds() > now.UnixMicro()
}

func (a *FunnelAsk) group(keys []*string, trips []*trip, now time.Time) FunnelGroup {
	g := FunnelGroup{Keys: keys, Steps: a.steps(trips)}
	var took []int64
	for _, t := range trips {
		if a.isOpen(t, now) {
			g.Open++
		}
		if last := len(a.Steps) - 1; len(t.at) > last {
			took = append(took, t.at[last]-t.at[0])
		}
	}
	g.ToConvert = durations(took, a.Within)
	return g
}

// tellGroups puts the groups together: the largest, and what is left.
func (f *Funneled) tellGroups(ask *FunnelAsk, trips []*trip, teller *teller) {
	if ask.By == nil {
		return
	}
	byKey := map[Key][]*trip{}
	for _, t := range trips {
		byKey[t.key] = append(byKey[t.key], t)
	}
	list := ranked(byKey, func(of []*trip) int { return len(of) }, teller)
	f.GroupCount = len(list)
	f.Groups, f.Rest = apart(list, ask.Top, slices.Concat[[]*trip], func(keys []*string, of []*trip) FunnelGroup {
		return ask.group(keys, of, f.Watermark)
	})
}

// maxTrend is how many buckets a trend may have.
const maxTrend = 2_000

// trend counts by when who entered.
func (a *FunnelAsk) trend(trips []*trip, w metric.Window) (*FunnelTrend, error) {
	buckets, err := w.Grid(a.Interval).Buckets(w.From, w.To, maxTrend)
	if err != nil {
		return nil, err
	}
	t := &FunnelTrend{
		At: make([]time.Time, len(buckets)), Complete: make([]bool, len(buckets)),
		Entered: make([]int, len(buckets)), Converted: make([]int, len(buckets)), Rates: make([]*float64, len(buckets)),
	}
	r := newRuler(buckets)
	for _, trip := range trips {
		b, _ := r.bucket(trip.at[0])
		t.Entered[b]++
		if len(trip.at) == len(a.Steps) {
			t.Converted[b]++
		}
	}
	for i, b := range buckets {
		t.At[i], t.Rates[i] = b.Start, metric.Ratio(float64(t.Converted[i]), float64(t.Entered[i]))
		t.Complete[i] = !b.End.Add(a.Within).After(w.Watermark)
	}
	return t, nil
}

// noteOpen says when the next window closes, or the next bucket of the trend is complete.
func (a *FunnelAsk) noteOpen(ctx context.Context, trips []*trip, w metric.Window) {
	now, within := w.Watermark.UnixMicro(), a.Within.Microseconds()
	next := w.To.UnixMicro() + within
	for _, t := range trips {
		if end := t.at[0] + within; a.isOpen(t, w.Watermark) && end < next {
			next = end
		}
	}
	if a.Interval != "" {
		grid := w.Grid(a.Interval)
		next = min(next, grid.Next(w.Watermark.Add(-a.Within)).UnixMicro()+within)
	}
	if next > now {
		w.NoteUntil(ctx, time.UnixMicro(next))
	}
}

// Converted lists who came to the step, page by page in the order of their numbers.
func (s *FunnelStep) Converted(page metric.Page) (metric.Listing, error) {
	return s.list(page, func(reached int) bool { return reached >= s.Number })
}

// Dropped lists who came to the step and no further; of the last step nobody.
func (s *FunnelStep) Dropped(page metric.Page) (metric.Listing, error) {
	return s.list(page, func(reached int) bool { return reached == s.Number && !s.last })
}

func (s *FunnelStep) list(page metric.Page, belongs func(reached int) bool) (metric.Listing, error) {
	l := metric.Listing{Kind: metric.People}
	if s.unit == Accounts {
		l.Kind = metric.Accounts
	}
	if err := page.Check(); err != nil {
		return l, err
	}
	var units []int64
	for _, t := range s.attempts {
		if belongs(len(t.at)) {
			units = append(units, t.unit)
		}
	}
	slices.Sort(units)
	for _, id := range units {
		l.Add(metric.Entity{ID: id, Amount: 1}, page)
	}
	return l, nil
}
