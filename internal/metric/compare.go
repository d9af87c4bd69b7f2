package metric

import (
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// ComparisonKind is what figures are compared with.
type ComparisonKind string

// The kinds, as in the schema's enum ComparisonKind.
const (
	PreviousPeriod ComparisonKind = "PREVIOUS_PERIOD"
	LastWeek       ComparisonKind = "LAST_WEEK"
	LastMonth      ComparisonKind = "LAST_MONTH"
	LastYear       ComparisonKind = "LAST_YEAR"
	Days364        ComparisonKind = "DAYS_364"
	OtherRange     ComparisonKind = "RANGE"
)

// AllComparisonKinds lists the kinds in the order of the schema.
func AllComparisonKinds() []ComparisonKind {
	return []ComparisonKind{PreviousPeriod, LastWeek, LastMonth, LastYear, Days364, OtherRange}
}

// maxComparisons is how many one question may have.
const maxComparisons = 5

// Comparison is with another range: one that lies a step before, or one that is given.
type Comparison struct {
	Kind     ComparisonKind
	From, To *time.Time // of OtherRange
}

// shifts reports whether the question compares with its own range, moved back.
func (q *Question) shifts() bool {
	return slices.ContainsFunc(q.Compare, func(c Comparison) bool { return c.Kind != OtherRange })
}

// shift is how far back a comparison lies, by the calendar or by the clock.
type shift struct {
	months, days int
	elapsed      time.Duration
}

// shift finds how far back to go. The previous period is as long as the range: in months
// where it is whole months, in days where it is whole days, and else by the clock.
func (w Window) shift(kind ComparisonKind, last *Last) (shift, bool) {
	switch kind {
	case PreviousPeriod:
		return w.length(last), true
	case LastWeek:
		return shift{days: 7}, true
	case LastMonth:
		return shift{months: 1}, true
	case LastYear:
		return shift{months: 12}, true
	case Days364:
		return shift{days: 364}, true
	}
	return shift{}, false
}

func (w Window) length(last *Last) shift {
	if last != nil {
		switch last.Interval {
		case calendar.Day:
			return shift{days: last.Count}
		case calendar.Week:
			return shift{days: 7 * last.Count}
		case calendar.Month:
			return shift{months: last.Count}
		case calendar.Quarter:
			return shift{months: 3 * last.Count}
		case calendar.Year:
			return shift{months: 12 * last.Count}
		}
	}
	from, to := w.Zone.DateOf(w.From), w.Zone.DateOf(w.To)
	if !w.Zone.StartOf(from).Equal(w.From) || !w.Zone.StartOf(to).Equal(w.To) {
		return shift{elapsed: w.To.Sub(w.From)}
	}
	fromYear, fromMonth, fromDay := from.Civil()
	toYear, toMonth, toDay := to.Civil()
	if fromDay == 1 && toDay == 1 {
		return shift{months: (toYear-fromYear)*12 + int(toMonth-fromMonth)}
	}
	return shift{days: int(to - from)}
}

// back moves an instant back. A day that the month does not have is its last one, if the
// instant is where something begins, and the end of the month if it is where something ends.
func (s shift) back(zone calendar.Zone, at time.Time, end bool) time.Time {
	if s.elapsed > 0 {
		return at.Add(-s.elapsed)
	}
	date := zone.DateOf(at)
	clock := at.Sub(zone.StartOf(date))
	to := date - calendar.Date(s.days)
	if s.months > 0 {
		year, month, day := to.Civil()
		first := calendar.NewDate(year, month-time.Month(s.months), 1)
		next := calendar.NewDate(year, month-time.Month(s.months)+1, 1)
		to = first + calendar.Date(day-1)
		switch {
		case to < next:
		case end:
			return zone.StartOf(next)
		default:
			to = next - 1
		}
	}
	moved := zone.StartOf(to).Add(clock)
	if limit := zone.StartOf(to + 1); moved.After(limit) { // that day is shorter
		return limit
	}
	return moved
}

// elapsed is where a range ends as far as it is over: a running period is compared with the
// same elapsed part of the other.
func (w Window) elapsed() time.Time {
	if w.To.After(w.Watermark) && w.From.Before(w.Watermark) {
		return w.Watermark
	}
	return w.To
}

// compared gives the window that a comparison is with, and what moves buckets there; nil where
// it has buckets of its own.
func (w Window) compared(c Comparison, last *Last) (Window, *shift, error) {
	other := w
	if c.Kind == OtherRange {
		if c.From == nil || c.To == nil {
			return other, nil, fault.Input("compare.range", "A comparison with a range needs from and to.")
		}
		other.From, other.To = c.From.UTC(), c.To.UTC()
		return other, nil, checkBounds(other.From, other.To)
	}
	if c.From != nil || c.To != nil {
		return other, nil, fault.Input("compare.range", "Only a comparison with a RANGE has one.")
	}
	s, ok := w.shift(c.Kind, last)
	if !ok {
		return other, nil, fault.Input("compare.kind", "There is no such comparison.")
	}
	other.From, other.To = s.back(w.Zone, w.From, false), s.back(w.Zone, w.elapsed(), true)
	if other.From.Before(earliest) {
		return other, nil, fault.Input("compare", "That is before the year 2000.")
	}
	if !other.From.Before(other.To) { // as of the 30th and 31st of a month after one without
		other.To = other.From.Add(time.Microsecond)
	}
	return other, &s, nil
}

// moved are buckets moved into the window of a comparison. One that has nothing there, such
// as the 31st of a month of 30 days, is empty; and what no bucket is compared with, such as
// the 29th after a February, is left out.
func (w Window) moved(buckets []calendar.Bucket, s shift, interval calendar.Interval) []calendar.Bucket {
	moved := make([]calendar.Bucket, len(buckets))
	last := w.From
	for i, b := range buckets {
		start := calendar.Later(last, s.back(w.Zone, b.Start, false))
		end := calendar.Earlier(s.back(w.Zone, b.End, true), w.To)
		if s.months > 0 {
			end = calendar.Earlier(end, w.next(start, b, interval))
		}
		moved[i] = calendar.Bucket{Start: start, End: calendar.Later(start, end)}
		last = moved[i].End
	}
	return moved
}

// next is where a bucket like another one ends, if it begins at an instant.
func (w Window) next(start time.Time, like calendar.Bucket, interval calendar.Interval) time.Time {
	date := w.Zone.DateOf(start)
	switch interval {
	case calendar.Hour:
		return start.Add(like.End.Sub(like.Start))
	case calendar.Day:
		return w.Zone.StartOf(date + 1)
	case calendar.Week:
		return w.Zone.StartOf(date + 7)
	}
	return latest
}

// Change is how a figure compares with another.
type Change struct {
	Difference *float64
	Ratio      *float64 // 0.1 is 10 % more; null for a change from 0
}

func changeOf(now, then *float64) Change {
	if now == nil || then == nil {
		return Change{}
	}
	difference := *now - *then
	c := Change{Difference: &difference}
	if *then != 0 {
		c.Ratio = orNull(difference / max(*then, -*then))
	}
	return c
}
