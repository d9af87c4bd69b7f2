package demo

import (
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

const (
	millisPerHour = 3_600_000
	millisPerDay  = 24 * millisPerHour
)

// rhythm is when a company's users are awake, in its own time zone. The hours of
// a day sum to 1000, and so does the typical day of a week on average: an
// ordinary day weighs about a million.
type rhythm struct {
	zone     *time.Location
	workday  [24]int
	restday  [24]int
	days     [7]int  // permille, Sunday first
	season   [12]int // permille in the middle of each month, January first
	holidays func(year int, day civil) bool
	holiday  int // permille of a holiday, whatever its weekday
}

// civil is a month and a day of it.
type civil struct {
	month time.Month
	day   int
}

// hour weighs the hour around an instant by weekday and time of day alone.
func (r *rhythm) hour(at time.Time) int {
	at = at.In(r.zone)
	if day := at.Weekday(); day != time.Saturday && day != time.Sunday {
		return r.workday[at.Hour()] * r.days[day]
	}
	return r.restday[at.Hour()] * r.days[at.Weekday()]
}

// dated weighs the hour around an instant by its date as well: its season, and
// whether it is a holiday.
func (r *rhythm) dated(at time.Time) int {
	at = at.In(r.zone)
	if r.isHoliday(at) {
		return r.restday[at.Hour()] * r.holiday * r.seasonal(at) / 1000
	}
	return r.hour(at) * r.seasonal(at) / 1000
}

func (r *rhythm) isHoliday(at time.Time) bool {
	year, month, day := at.In(r.zone).Date()
	return r.holidays(year, civil{month, day})
}

// seasonal runs straight from the middle of one month to the middle of the next.
func (r *rhythm) seasonal(at time.Time) int {
	month, day := int(at.Month())-1, at.Day()
	from, to, passed := month, (month+1)%12, day-15
	if day < 15 {
		from, to, passed = (month+11)%12, month, day+15
	}
	return slope(passed, 30, r.season[from], r.season[to])
}

// slope is the height at x of the line from (0, a) to (width, b), level beyond
// its ends.
func slope[T ~int | ~int64](x, width, a, b T) T {
	switch {
	case x <= 0:
		return a
	case x >= width:
		return b
	}
	return a + (b-a)*x/width
}

// mustZone loads a zone that is known to be there. It is the calendar's own: the local hours
// must not depend on what the machine has installed.
func mustZone(name string) *time.Location {
	zone, err := calendar.LoadZone(name)
	if err != nil {
		panic("demo: " + err.Error())
	}
	return zone.Location()
}
