package calendar

import (
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Interval is the length of a bucket, by the calendar.
type Interval string

// The intervals. Quarters begin in January, April, July and October.
const (
	Hour    Interval = "HOUR"
	Day     Interval = "DAY"
	Week    Interval = "WEEK"
	Month   Interval = "MONTH"
	Quarter Interval = "QUARTER"
	Year    Interval = "YEAR"
)

// months says how many months an interval has, if it is made of months.
var months = map[Interval]int{Month: 1, Quarter: 3, Year: 12}

// Valid tells whether it is one of the intervals.
func (i Interval) Valid() bool { return i == Hour || i == Day || i == Week || months[i] > 0 }

// Bucket is one step of an interval: from Start until before End, both in UTC.
type Bucket struct{ Start, End time.Time }

// Grid divides all time into buckets, without gap or overlap. Its Interval must
// be valid: Buckets reports one that is not, the other methods panic.
//
// Days, weeks, months, quarters and years begin where their first date does. An
// hour is the longest run of instants with the same hour on the clock and the
// same offset: it may begin at :30 or :45 UTC, the repeated hour of autumn is a
// bucket of its own, and a change by half an hour makes half a bucket.
type Grid struct {
	Zone      Zone
	Interval  Interval
	WeekStart time.Weekday // the first day of a week; of no meaning to other intervals
}

// Floor gives the start of the bucket that holds t.
func (g Grid) Floor(t time.Time) time.Time { return g.start(g.number(t)) }

// Next gives the start of the bucket after the one that holds t.
func (g Grid) Next(t time.Time) time.Time { return g.Add(t, 1) }

// Add gives the start of the bucket n after the one that holds t, or -n before
// it. It takes the same time for any n.
func (g Grid) Add(t time.Time, n int) time.Time { return g.start(g.number(t) + n) }

// Buckets gives all buckets that overlap [from, to), in order and in full: the
// first may begin before from and the last end after to. More than limit of them
// are a BAD_USER_INPUT of the field "interval", found without making any.
func (g Grid) Buckets(from, to time.Time, limit int) ([]Bucket, error) {
	if !g.Interval.Valid() {
		return nil, fault.Input("interval", "No such interval.")
	}
	if !from.Before(to) {
		return nil, nil
	}
	first := g.number(from)
	count := g.number(to.Add(-1)) - first + 1
	if count > limit {
		return nil, fault.Input("interval", "The range has %d buckets of this interval; at most %d are given.", count, limit)
	}
	buckets := make([]Bucket, count)
	start := g.start(first)
	for i := range buckets {
		end := g.start(first + i + 1)
		buckets[i] = Bucket{Start: start, End: end}
		start = end
	}
	return buckets, nil
}

// number numbers the buckets in order, each one more than the one before it,
// and gives the number of the bucket that holds t.
func (g Grid) number(t time.Time) int {
	tl := g.Zone.timeline()
	if g.Interval == Hour {
		return tl.hour(t.Unix())
	}
	d := g.Zone.DateOf(t)
	switch g.Interval {
	case Day:
		return tl.day(d)
	case Week:
		return int(floorDiv(int64(d-g.firstWeek()), 7))
	}
	year, month, _ := d.Civil()
	return int(floorDiv(int64(year*12+int(month)-1), int64(g.months())))
}

// start gives the first instant of the bucket with a number.
func (g Grid) start(n int) time.Time {
	tl := g.Zone.timeline()
	switch g.Interval {
	case Hour:
		return instant(tl.startOfHour(n))
	case Day:
		return g.Zone.StartOf(tl.dateOfDay(n))
	case Week:
		return g.Zone.StartOf(g.firstWeek() + Date(n*7))
	}
	return g.Zone.StartOf(NewDate(0, time.Month(1+n*g.months()), 1))
}

// firstWeek gives the date with which week 0 begins; 1970-01-04 was a Sunday.
func (g Grid) firstWeek() Date { return NewDate(1970, time.January, 4) + Date(g.WeekStart) }

// months is how many months a bucket has.
func (g Grid) months() int {
	n, ok := months[g.Interval]
	if !ok {
		panic(fmt.Sprintf("calendar: grid of interval %q", g.Interval))
	}
	return n
}
