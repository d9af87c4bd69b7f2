package demo

import (
	"container/heap"
	"math"
	"time"
)

// Live is an endless stream that carries a history on: the same people and types,
// the same hours and weekdays, and newcomers. It is for one goroutine.
type Live struct {
	walker
	crowd
	render   *renderer
	perMilli float64 // events on average
	average  float64 // weight of an hour of the week
	queue    queue   // what people will do
	upcoming float64 // when the next session begins, in Unix milliseconds and parts of them
	floor    int64   // nothing from before it is shown
	settled  uint32  // people from the history; newcomers come after them
	born     uint64  // newcomers and visitors so far
	ring     uint64  // newcomers that are remembered
}

// commonHistory is a history small enough for any demo to hold its people.
const commonHistory = 200_000

// NewLive carries on the history that ends at until, with the people whom every
// history of this seed has from 200,000 events on; Plan.Live has all of one. A
// whole week averages perSecond events a second.
func NewLive(seed uint64, c Company, until time.Time, perSecond float64) *Live {
	return Plan{Seed: seed, Events: commonHistory, Until: until}.Live(c, perSecond)
}

// Live carries on the history of the plan. It is nil for a company that is none of
// Companies, or a rate that is not positive.
func (p Plan) Live(c Company, perSecond float64) *Live {
	if profileOf(c) == nil || !(perSecond > 0) {
		return nil
	}
	w := newWorld(p, c)
	l := &Live{
		walker:   walker{w: w, dice: newDice(w.seed, w.Key, "live"), end: math.MaxInt64},
		perMilli: perSecond / 1000, average: w.rhythm.average(w.until),
		ring: 4096 + uint64(perSecond*1000),
	}
	l.gather(w.users(p.Count(c)))
	l.render = newRenderer(w, l.people)
	return l
}

// gather brings together those who are around at the end of the history. They
// stay, however long the stream goes on.
func (l *Live) gather(users int) {
	for i := range users {
		p := l.w.user(i)
		p.settle(l.w.until)
		l.people = append(l.people, p)
		if p.active(l.w.until) {
			l.people[i].churn = math.MaxInt64
			l.welcome(uint32(i))
		}
	}
	l.settled = uint32(users)
	l.people = append(l.people, make([]person, l.ring)...)
}

// Next is the next event and how long to wait before it is sent. Its time is the
// time after the wait. A caller that falls more than a minute behind, such as a
// laptop that slept, goes on from now instead of making up for it.
func (l *Live) Next(now time.Time) (Event, time.Duration) {
	at := now.UnixMilli()
	if l.floor == 0 {
		l.begin(at)
	}
	x := l.pop()
	if x.at < at-60_000 {
		l.begin(at)
		x = l.pop()
	}
	return l.render.event(x), max(0, time.UnixMilli(x.at).Sub(now))
}

// begin starts an hour early, so that at once some people are in the middle of
// what they do.
func (l *Live) begin(at int64) {
	if l.floor == 0 {
		l.render.liveSince(at)
	}
	l.queue, l.upcoming, l.floor = l.queue[:0], float64(at-millisPerHour), at
}

func (l *Live) pop() record {
	for {
		for len(l.queue) == 0 || l.upcoming <= float64(l.queue[0].at) {
			l.arrive(int64(l.upcoming))
		}
		if x := heap.Pop(&l.queue).(record); x.at >= l.floor {
			return x
		}
	}
}

// arrive plays one session, and lets as much time pass until the next as its
// events may take: so the rate is right whatever the length of sessions.
func (l *Live) arrive(at int64) {
	l.out, l.left = l.out[:0], longest
	switch {
	case l.dice.chance(55):
		l.visit(l.newVisitor(), at)
	case l.dice.chance(50):
		l.newUser(at)
	default:
		l.regular(at)
	}
	for _, x := range l.out {
		heap.Push(&l.queue, x)
	}
	l.pass(float64(len(l.out)) * l.dice.exponential())
}

// pass moves on until so many events are due.
func (l *Live) pass(events float64) {
	for {
		at := int64(l.upcoming)
		hour := float64(at - at%millisPerHour + millisPerHour)
		rate := l.perMilli * float64(l.w.rhythm.hour(time.UnixMilli(at))) / l.average
		if due := (hour - l.upcoming) * rate; due < events {
			l.upcoming, events = hour, events-due
			continue
		}
		l.upcoming += events / rate
		return
	}
}

// regular plays a session of somebody who has signed up: now and then a newcomer.
func (l *Live) regular(at int64) {
	if l.dice.chance(80) {
		who := l.settled + uint32(l.dice.below(int(l.ring)))
		if p := &l.people[who]; p.key != 0 && p.active(at) && at > p.signup+millisPerHour {
			l.use(p, who, at)
			return
		}
	}
	for range 30 {
		if who, ok := l.someone(at, l.dice); ok {
			l.use(&l.people[who], who, at)
			return
		}
	}
	l.newUser(at)
}

// newUser plays the session of a newcomer, who takes the place of the oldest one
// remembered.
func (l *Live) newUser(at int64) {
	l.born++
	who := l.settled + uint32(l.born%l.ring)
	l.people[who] = l.w.newcomer(firstNewcomer|l.born, at)
	l.join(&l.people[who], who, at)
}

// newVisitor is the number of the next visitor.
func (l *Live) newVisitor() uint32 {
	l.born++
	return visitorNumber(uint32(l.born), uint8(l.w.sourceLot.draw(l.dice)))
}

// average is the weight of an hour over the week that follows.
func (r *rhythm) average(from int64) float64 {
	sum := 0
	for h := range 7 * 24 {
		sum += r.hour(time.UnixMilli(from + int64(h)*millisPerHour))
	}
	return float64(sum) / (7 * 24)
}

// exponential throws a number with mean 1. Only live streams use it: it is not the
// same to the bit on every machine.
func (d *dice) exponential() float64 {
	return -math.Log(1 - float64(d.bits32())/(1<<32))
}
