package calendar

import "time"

// Zone is a time zone. The zero Zone is UTC. Zones are equal if their names are,
// so a Zone may be part of a map's key. From the year 2200 on, a zone with summer
// time keeps the offset that it had when that year began.
type Zone struct{ laidOut *timeline }

// UTC is the zone without changes.
var UTC Zone

var utcTimeline = layOut(time.UTC)

func (z Zone) timeline() *timeline {
	if z.laidOut == nil {
		return utcTimeline
	}
	return z.laidOut
}

// String gives the IANA name, such as "Europe/Berlin".
func (z Zone) String() string { return z.timeline().location.String() }

// Location gives the zone for use with package time.
func (z Zone) Location() *time.Location { return z.timeline().location }

// DateOf gives the date whose day holds t. That is the latest local date that
// any instant up to t has shown, so dates never go back while time goes on.
func (z Zone) DateOf(t time.Time) Date {
	unix := t.Unix()
	return z.timeline().at(unix).dateAt(unix)
}

// StartOf gives the first instant of a date, in UTC. A date that the zone left
// out begins, and ends, where the next one begins. Every t satisfies
// StartOf(DateOf(t)) <= t < StartOf(DateOf(t)+1).
func (z Zone) StartOf(d Date) time.Time { return instant(z.timeline().startOf(d)) }

// SlotOf gives the date of t, and the place of t's slot among the slots of that
// day: 0 for the quarter of an hour with which it begins. Since the year 2000 it
// is below SlotsPerDay.
func (z Zone) SlotOf(t time.Time) (Date, int) {
	unix := t.Unix()
	d, start := z.timeline().date(unix)
	return d, int((unix - start) / int64(Slot/time.Second))
}
