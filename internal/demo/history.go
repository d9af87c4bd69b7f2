package demo

import (
	"cmp"
	"slices"
)

// history plays a company's year, day after day. Who signs up is fixed by the
// people; the rest of a day is filled with the sessions of those who are around
// until the day has as many events as it should.
type history struct {
	walker
	crowd
	count   int
	targets []uint64 // demand up to the end of each day; only proportions matter
	joins   [][]uint32
	returns [][]uint32
	seen    uint32   // visitors so far
	over    []record // what a day's sessions left to the next day
}

// session and joining are about how many events one has, for the demand.
const (
	session = 6
	joining = 13
)

func newHistory(w *world, count int) *history {
	h := &history{
		walker: walker{w: w, dice: newDice(w.seed, w.Key, "history"), left: count, end: 1<<63 - 1},
		crowd:  crowd{people: make([]person, w.users(count))},
		count:  count, joins: make([][]uint32, w.days), returns: make([][]uint32, w.days),
	}
	paces := make([]int64, w.days+1) // the change of the pace of all who are around
	for i := range h.people {
		h.people[i] = w.user(i)
		h.enrol(uint32(i), paces)
	}
	h.aim(paces)
	return h
}

// enrol enters a person into the days on which it comes and goes.
func (h *history) enrol(who uint32, paces []int64) {
	p := &h.people[who]
	pace := int64(tempers[p.persona].pace) * int64(p.rate) / 1000
	if p.signup < h.w.from {
		p.settle(h.w.from)
		h.welcome(who)
	} else {
		d := h.w.dayOf(p.signup)
		h.joins[d] = append(h.joins[d], who)
	}
	if p.back < h.w.until-millisPerDay {
		d := h.w.dayOf(p.back) + 1
		h.returns[d] = append(h.returns[d], who)
	}
	for _, stay := range []span{{p.signup, p.churn}, {p.back, p.gone}} {
		paces[h.w.dayOf(stay.from)] += pace
		paces[h.w.dayOf(stay.to)] -= pace
	}
}

// dayOf is the day of an instant: the first for what came before the history,
// the number of days for what comes after it.
func (w *world) dayOf(at int64) int {
	if at >= w.until {
		return w.days
	}
	return int(max(0, at-w.from) / millisPerDay)
}

// aim computes how much of the events is due by the end of each day: what its
// people would do, were there no limit.
func (h *history) aim(paces []int64) {
	var pace int64
	var sum uint64
	for d, today := range h.w.calendar {
		pace += paces[d]
		sum += uint64(pace) * session * uint64(today.hours.total()) / 1000
		sum += uint64(len(h.joins[d])) * joining * 1_000_000
		sum += 1 // a day without anybody is not a division by zero
		h.targets = append(h.targets, sum)
	}
}

// day plays day d and returns its events in order, until the next call.
func (h *history) day(d int) []record {
	h.out = append(h.out[:0], h.over...)
	if d == h.w.days-1 {
		h.end = h.w.until
	}
	for _, who := range h.returns[d] {
		h.welcome(who)
	}
	for _, who := range h.joins[d] {
		h.admit(d, who)
	}
	due := portion(h.count, h.targets[d], h.targets[h.w.days-1])
	for h.count-h.left < due {
		h.fill(h.w.moment(d, h.dice))
	}
	return h.cut(h.w.from + int64(d+1)*millisPerDay)
}

// admit plays a sign-up, and the visitors who came that day by the same way and
// left.
func (h *history) admit(d int, who uint32) {
	p := &h.people[who]
	h.join(p, who, p.signup)
	h.welcome(who)
	for odds := h.w.visitors; odds > 0; odds -= 1000 {
		if h.dice.chance(odds) {
			h.lookAround(p.source, h.w.moment(d, h.dice))
		}
	}
}

// fill plays one session of somebody who is around, or of a visitor if nobody is.
func (h *history) fill(at int64) {
	for range 30 {
		who, ok := h.someone(at, h.dice)
		if ok {
			h.use(&h.people[who], who, at)
			return
		}
	}
	h.lookAround(0, at)
}

// lookAround plays the next visitor, who came the way that source says.
func (h *history) lookAround(source uint8, at int64) {
	h.visit(visitorNumber(h.seen, source), at)
	h.seen++
}

// cut sorts what there is and returns what lies before the end of the day.
func (h *history) cut(end int64) []record {
	slices.SortFunc(h.out, func(a, b record) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.state, b.state))
	})
	n, _ := slices.BinarySearchFunc(h.out, end, func(r record, end int64) int { return cmp.Compare(r.at, end) })
	h.over = append(h.over[:0], h.out[n:]...)
	return h.out[:n]
}
