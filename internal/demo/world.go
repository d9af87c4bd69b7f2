package demo

import (
	"sort"
	"time"
)

// world is one company under one plan: everything that is settled before the
// first event, apart from its people.
type world struct {
	*profile
	seed        uint64
	from, until int64 // Unix milliseconds
	days        int
	script      script
	calendar    []day
	arrivals    lot   // sign-ups by day, cumulative; first those from before the history
	cast        *dice // who somebody is
}

// day is what one day of the history is like.
type day struct {
	from                     int64
	hours                    lot // traffic by hour
	usual, launched, courted int // sign-ups: of any day, by a launch, by a campaign
}

func (d day) signups() int { return d.usual + d.launched + d.courted }

// newStage is the world without its calendar: enough to tell the stories.
func newStage(p Plan, profile *profile) *world {
	until := p.Until.UnixMilli()
	w := &world{
		profile: profile, seed: p.Seed, days: p.length(),
		from: until - int64(p.length())*millisPerDay, until: until,
		cast: newDice(p.Seed, profile.Key, "people"),
	}
	w.script = newScript(w.schedule())
	return w
}

func newWorld(p Plan, c Company) *world {
	w := newStage(p, profileOf(c))
	noise := newDice(p.Seed, w.Key, "noise")
	arrivals := make([]int, 1, w.days+1)
	for i := range w.days {
		today := w.chart(i, noise.between(930, 1070))
		w.calendar = append(w.calendar, today)
		arrivals = append(arrivals, today.signups())
		arrivals[0] += today.signups() * w.oldHands / 1000
	}
	w.arrivals = newLot(arrivals...)
	return w
}

// users is how many people so many events have.
func (w *world) users(events int) int { return max(3, events/w.perUser) }

// chart lays out a day. An hour counts as what its middle is, so that a history
// may begin at any minute.
func (w *world) chart(i, noise int) day {
	from := w.from + int64(i)*millisPerDay
	weights, usual := make([]int, 24), 0
	for h := range weights {
		middle := from + int64(h)*millisPerHour + millisPerHour/2
		plain := w.rhythm.dated(time.UnixMilli(middle)) * noise / 1000
		weights[h] = plain * int(w.script.traffic(middle)) / 1000
		usual += plain
	}
	usual = usual / 100 * w.grown(i) / 1000
	noon := from + millisPerDay/2
	return day{
		from: from, hours: newLot(weights...), usual: usual,
		launched: usual * w.script.launched(noon) / 1000,
		courted:  usual * w.script.campaigned(noon) / 1000,
	}
}

// grown is the permille of sign-ups on day i, along the company's growth.
func (w *world) grown(i int) int {
	steps := len(w.growth) - 1
	k := i * steps / w.days
	return slope(i*steps-k*w.days, w.days, w.growth[k], w.growth[k+1])
}

// moment throws an instant of day i by its hours. During an outage next to
// nobody gets through.
func (w *world) moment(i int, d *dice) int64 {
	for {
		h := w.calendar[i].hours.draw(d)
		at := w.calendar[i].from + int64(h)*millisPerHour + int64(d.below(millisPerHour))
		if !w.script[outage].holds(at) || d.chance(10) {
			return at
		}
	}
}

// arrivalDay throws the day of a sign-up; -1 is before the history. The rest is
// where within the day's sign-ups it fell.
func (w *world) arrivalDay() (i, rest int) {
	x := w.cast.below(w.arrivals.total())
	k := sort.SearchInts(w.arrivals, x+1)
	if k == 0 {
		return -1, x
	}
	return k - 1, x - w.arrivals[k-1]
}
