package journey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Mode says what buckets after the start are.
type Mode string

// The modes, as in the schema's enum RetentionMode.
const (
	Calendar Mode = "CALENDAR" // the zone's days, weeks, months
	Rolling  Mode = "ROLLING"  // 24 hours, 7 or 30 times them, from each unit's own start
)

// The lists of the schema's enums, in its order.
func AllStarts() []Start   { return []Start{FirstEver, FirstMatching, Recurring} }
func AllReturns() []Return { return []Return{On, OnOrAfter, Bracket} }
func AllModes() []Mode     { return []Mode{Calendar, Rolling} }

// RetentionAsk asks who comes back.
type RetentionAsk struct {
	metric.Ask // its range says in which buckets of its interval units start
	Unit       Unit
	Start      Start
	StartWith  Events
	ReturnWith *Events // nil: what they start with
	Return     Return
	Mode       Mode
	Periods    int    // columns of ON and ON_OR_AFTER, the start's own included
	Spans      []Span // columns of BRACKET
	By         []metric.Dimension
	Top        int
	Weight     Weight
}

// The bounds of a retention.
const (
	maxPeriods     = 366
	defaultCohorts = 12
	maxCohorts     = 366
	maxSpans       = 20
	maxTop         = 100
)

func (a *RetentionAsk) check(shot metric.Snapshot) error {
	switch {
	case !slices.Contains(AllStarts(), a.Start):
		return fault.Input("start", "There is no such start.")
	case !slices.Contains(AllReturns(), a.Return):
		return fault.Input("returns", "There is no such return.")
	case !slices.Contains(AllModes(), a.Mode):
		return fault.Input("mode", "There is no such mode.")
	case stepOf(a.Interval) == 0:
		return fault.Input("interval", "Retention is told by DAY, WEEK or MONTH.")
	case a.Return != Bracket && (a.Periods < 2 || a.Periods > maxPeriods):
		return fault.Input("periods", "Between 2 and %d are allowed.", maxPeriods)
	case a.AsOf != nil:
		return fault.Input("asOf", "Retention is told as it is known now.")
	case a.By != nil && (a.Top < 1 || a.Top > maxTop):
		return fault.Input("top", "Between 1 and %d are allowed.", maxTop)
	}
	if err := a.checkSpans(); err != nil {
		return err
	}
	if err := a.checkWeight(shot.Who()); err != nil {
		return err
	}
	if err := shot.CheckEvents("startEvent", a.StartWith.Types, a.StartWith.Filter); err != nil {
		return err
	}
	if a.ReturnWith != nil {
		if err := shot.CheckEvents("returnEvent", a.ReturnWith.Types, a.ReturnWith.Filter); err != nil {
			return err
		}
	}
	return shot.CheckBreakdown(a.By)
}

func (a *RetentionAsk) checkSpans() error {
	if a.Return != Bracket {
		if a.Spans != nil {
			return fault.Input("spans", "Only a BRACKET has spans.")
		}
		return nil
	}
	if len(a.Spans) < 1 || len(a.Spans) > maxSpans {
		return fault.Input("spans", "A BRACKET takes between 1 and %d spans.", maxSpans)
	}
	for i, s := range a.Spans {
		if s.From < 1 || s.To < s.From || s.To > maxPeriods {
			return fault.Input(fmt.Sprintf("spans[%d]", i), "A span leads from 1 or more to as much or more, and to %d at most.", maxPeriods)
		}
	}
	return nil
}

// stepOf is how long a rolling bucket is; 0 for intervals that have none.
func stepOf(i calendar.Interval) time.Duration {
	const day = 24 * time.Hour
	switch i {
	case calendar.Day:
		return day
	case calendar.Week:
		return 7 * day
	case calendar.Month:
		return 30 * day
	}
	return 0
}

// columns are the start's own bucket and those that are told after it.
func (a *RetentionAsk) columns() []Span {
	if a.Return == Bracket {
		return append([]Span{{0, 0}}, a.Spans...)
	}
	spans := make([]Span, a.Periods)
	for n := range spans {
		spans[n] = Span{n, n}
	}
	return spans
}

// RetentionTable tells who came back, of each cohort and column.
type RetentionTable struct {
	Provenance
	Interval       calendar.Interval
	At             []time.Time // the start of each cohort's bucket
	Columns        []Span
	Complete       [][]bool         // by cohort and column
	RetentionGroup                  // of all
	Groups         []RetentionGroup // the largest first
	Rest           *RetentionGroup
	GroupCount     int
	Currency       *string // of sizes and returned, where they are money
}

// RetentionGroup are the figures of one value of a breakdown.
type RetentionGroup struct {
	Keys []*string
	Retained
	Rates   [][]*float64 // returned of sizes; nil where nobody started
	Average []*float64   // of each column, over its complete cells: sum of returned by sum of sizes
}

// Retention tells who comes back.
func (s *Service) Retention(ctx context.Context, ask RetentionAsk) (table *RetentionTable, err error) {
	err = s.snapshot(ctx, func(shot metric.Snapshot) error {
		if err := ask.check(shot); err != nil {
			return err
		}
		if ask.From == nil && ask.To == nil && ask.Last == nil {
			ask.Last = &metric.Last{Count: defaultCohorts, Interval: ask.Interval}
		}
		w, err := shot.Window(ask.Ask)
		if err != nil {
			return err
		}
		returning := ask.StartWith
		if ask.ReturnWith != nil {
			returning = *ask.ReturnWith
		}
		return s.play(ctx, shot, ask.Unit, []Events{ask.StartWith, returning}, ask.By, func(sc *scene) error {
			table, err = sc.retention(ctx, &ask, returning, w)
			return err
		})
	})
	return table, err
}

func (s *scene) retention(ctx context.Context, ask *RetentionAsk, returning Events, w metric.Window) (*RetentionTable, error) {
	grid := w.Grid(ask.Interval)
	cohorts, err := grid.Buckets(w.From, w.To, maxCohorts)
	if err != nil {
		return nil, err
	}
	t := &RetentionTable{
		Provenance: provenance(w, s.whole(ask, w)), Interval: ask.Interval, Columns: ask.columns(),
	}
	r := &Retention{
		Start: ask.Start, Return: ask.Return, Rolling: ask.Mode == Rolling, Cohorts: cohorts,
		After: after(grid, cohorts, t.Columns, w.Watermark), From: w.From.UnixMicro(), To: w.To.UnixMicro(),
		Step: stepOf(ask.Interval).Microseconds(), Columns: t.Columns, Ever: Matcher{},
	}
	if r.Starts, err = s.matcher(ctx, ask.StartWith); err != nil {
		return nil, err
	}
	if r.Returns, err = s.matcher(ctx, returning); err != nil {
		return nil, err
	}
	r.Ever = Matcher{Types: r.Starts.Types}
	teller := s.teller(ask.By)
	if ask.By != nil {
		r.Group = teller.key
	}
	standings, err := s.weigh(ctx, ask, r, t, w)
	if err != nil {
		return nil, err
	}
	groups, err := r.Run(ctx, s.columns, s.kind)
	if err != nil {
		return nil, err
	}
	if standings != nil && standings.Problem() != nil {
		return nil, standings.Problem()
	}
	t.complete(ctx, r, w)
	t.tell(groups, teller, ask)
	r.noteLife(ctx, w)
	return t, nil
}

// whole reports whether all events that it depends on are there: the first ever takes all of a
// life.
func (s *scene) whole(ask *RetentionAsk, w metric.Window) bool {
	if ask.Start != Recurring {
		return w.RawSince() == nil
	}
	return w.Whole(w.From)
}

// noteLife says until when events matter. Whoever returns late has returned in every column of
// ON_OR_AFTER; and a rolling bucket of who starts last ends as many steps later, and one.
func (r *Retention) noteLife(ctx context.Context, w metric.Window) {
	switch {
	case r.Return == OnOrAfter:
		w.NoteEver(ctx)
	case r.Rolling:
		steps := time.Duration(furthest(r.Columns) + 1)
		w.NoteLife(ctx, w.To.Add(steps*time.Duration(r.Step)*time.Microsecond))
	default:
		w.NoteLife(ctx, latest(r.After, w.To))
	}
}

// furthest is the last bucket after the start that a column tells of.
func furthest(columns []Span) (n int) {
	for _, c := range columns {
		n = max(n, c.To)
	}
	return n
}

func latest(buckets []calendar.Bucket, to time.Time) time.Time {
	if n := len(buckets); n > 0 && buckets[n-1].End.After(to) {
		return buckets[n-1].End
	}
	return to
}

// after are the buckets behind the cohorts, until the last column is told, and until now.
func after(grid calendar.Grid, cohorts []calendar.Bucket, columns []Span, now time.Time) (buckets []calendar.Bucket) {
	if len(cohorts) == 0 {
		return nil
	}
	at := cohorts[len(cohorts)-1].End
	for n := 0; n < furthest(columns) || at.Before(now.Add(2*24*time.Hour)); n++ { // what is ahead of us is believed a day
		next := grid.Next(at)
		buckets = append(buckets, calendar.Bucket{Start: at, End: next})
		at = next
	}
	return buckets
}

// complete says which cells are over: those whose bucket ended at or before the watermark, for
// whoever may have started last.
func (t *RetentionTable) complete(ctx context.Context, r *Retention, w metric.Window) {
	all := append(slices.Clone(r.Cohorts), r.After...)
	next := time.Time{}
	for c, cohort := range r.Cohorts {
		t.At = append(t.At, cohort.Start)
		row := make([]bool, len(t.Columns))
		for i, span := range t.Columns {
			end := all[c+span.To].End
			if r.Rolling && span.To > 0 {
				started := time.UnixMicro(min(r.To, cohort.End.UnixMicro()))
				end = started.Add(time.Duration(span.To+1) * time.Duration(r.Step) * time.Microsecond)
			}
			row[i] = !end.After(w.Watermark)
			if !row[i] && (next.IsZero() || end.Before(next)) {
				next = end
			}
		}
		t.Complete = append(t.Complete, row)
	}
	if !next.IsZero() {
		w.NoteUntil(ctx, next)
	}
}

// tell puts the groups together: the largest, what is left, and all.
func (t *RetentionTable) tell(groups map[Key]*Retained, teller *teller, ask *RetentionAsk) {
	t.RetentionGroup = t.group(nil, t.join(slices.Collect(maps.Values(groups))...))
	if ask.By == nil {
		return
	}
	t.GroupCount = len(groups)
	t.Groups, t.Rest = apart(ranked(groups, (*Retained).size, teller), ask.Top, t.join, t.group)
}

// join adds groups up.
func (t *RetentionTable) join(groups ...*Retained) *Retained {
	all := newRetained(len(t.At), len(t.Columns))
	for _, g := range groups {
		all.add(g)
	}
	return all
}

// size is how many started in all cohorts.
func (r *Retained) size() (n int) {
	for _, s := range r.Sizes {
		n += s
	}
	return n
}

// group works out rates and averages.
func (t *RetentionTable) group(keys []*string, of *Retained) RetentionGroup {
	g := RetentionGroup{Keys: keys, Retained: *of, Average: make([]*float64, len(t.Columns))}
	for c, size := range of.Sizes {
		rates := make([]*float64, len(t.Columns))
		for i, n := range of.Returned[c] {
			rates[i] = metric.Ratio(float64(n), float64(size))
		}
		g.Rates = append(g.Rates, rates)
	}
	for i := range t.Columns {
		returned, sizes := 0, 0
		for c := range t.At {
			if t.Complete[c][i] {
				returned, sizes = returned+of.Returned[c][i], sizes+of.Sizes[c]
			}
		}
		g.Average[i] = metric.Ratio(float64(returned), float64(sizes))
	}
	return g
}
