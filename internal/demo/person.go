package demo

import "math"

// person is somebody who uses the product, or may. Index, seed and company decide
// all of it, never the size of the plan: a larger history has the same people and
// more.
type person struct {
	key                                uint64
	signup, churn, back, gone          int64 // active in [signup, churn) and in [back, gone)
	trial, buys                        int64 // when ready to
	since                              int64 // when the standing began
	keen                               uint16
	rate                               uint16 // permille of the persona's pace
	persona                            persona
	standing                           standing
	country, device, source, tier, cut uint8
}

// standing is how a person stands with the company's till.
type standing uint8

const (
	free standing = iota
	trying
	paying
	cancelled
)

// persona is a way of using a product.
type persona uint8

const (
	power persona = iota
	weekly
	tourist
	personas
)

// temper is what distinguishes the personas.
type temper struct {
	pace  int   // permille of sessions on a typical day
	leave int   // permille to leave after any step
	life  []int // tenths of the distribution of days until churn
	back  int   // permille who return after some months
}

var tempers = [personas]temper{
	power:   {pace: 1250, leave: 25, life: []int{12, 45, 95, 160, 230, 310, 400, 500, 600, 700, 800}, back: 60},
	weekly:  {pace: 330, leave: 60, life: []int{3, 12, 25, 45, 75, 110, 160, 220, 300, 400, 500}, back: 120},
	tourist: {pace: 450, leave: 120, life: []int{0, 0, 0, 1, 1, 2, 3, 4, 6, 10, 20}, back: 20},
}

// stranger is a person as far as a visitor shows it.
func (w *world) stranger(key uint64) person {
	d := w.cast
	d.reseed(w.seed^w.salt, key)
	return person{
		key: key, churn: math.MaxInt64, back: math.MaxInt64, trial: math.MaxInt64, buys: math.MaxInt64,
		country: uint8(w.countryLot.draw(d)), device: uint8(w.deviceLot.draw(d)),
		source: uint8(w.sourceLot.draw(d)), tier: uint8(w.tierLot.draw(d)), cut: uint8(d.below(256)),
	}
}

// user is the person number i of those who sign up.
func (w *world) user(i int) person {
	p := w.customer(uint64(i))
	start := w.arrive(&p)
	w.age(&p, start)
	w.budget(&p, start)
	return p
}

// newcomer is somebody who signs up at an instant that no history decides.
func (w *world) newcomer(key uint64, at int64) person {
	p := w.customer(key)
	p.signup = at
	w.age(&p, at)
	w.budget(&p, at)
	return p
}

// customer is a stranger with a character.
func (w *world) customer(key uint64) person {
	p := w.stranger(key)
	p.keen, p.rate = uint16(w.cast.below(1000)), uint16(w.cast.between(400, 1000))
	p.persona = persona(w.personaLot.draw(w.cast))
	return p
}

// arrive gives a person a sign-up, and returns when its life in the history
// begins. Old hands are those who had stayed: no tourists.
func (w *world) arrive(p *person) int64 {
	i, rest := w.arrivalDay()
	if i < 0 {
		if p.persona == tourist {
			p.persona = weekly
		}
		p.signup = w.from - int64(w.cast.between(1, 400))*millisPerDay
		return w.from
	}
	p.signup = w.moment(i, w.cast)
	w.lure(p, w.calendar[i], rest)
	return p.signup
}

// lure gives those who came by a launch or a campaign their source. A campaign
// brings hardly anyone but tourists.
func (w *world) lure(p *person, today day, rest int) {
	switch rest -= today.usual; {
	case rest >= today.launched:
		p.source = uint8(w.campaignSource)
		if w.cast.chance(950) {
			p.persona = tourist
		}
	case rest >= 0 && w.script.since(launch, p.signup) < 7*millisPerDay:
		p.source = uint8(w.launchSource)
	}
}

// age decides when a person stops, and whether it comes back for a while.
func (w *world) age(p *person, start int64) {
	t := tempers[p.persona]
	k, part := w.cast.below(len(t.life)-1), int64(w.cast.below(1000))
	p.churn = start + slope(part, 1000, int64(t.life[k]), int64(t.life[k+1]))*millisPerDay +
		int64(w.cast.below(millisPerDay))
	p.back, p.gone = math.MaxInt64, math.MaxInt64
	if w.cast.chance(t.back) {
		p.back = p.churn + int64(w.cast.between(45, 150))*millisPerDay
		p.gone = p.back + int64(w.cast.between(7, 120))*millisPerDay
	}
}

// budget decides when a person tries and buys, if ever: the price of that day
// must be acceptable. Who pays stays longer.
func (w *world) budget(p *person, start int64) {
	thrift := int64(w.cast.below(1000))
	trial := p.signup + int64(w.cast.between(1, 5*24))*millisPerHour
	buys := trial + int64(w.cast.between(7, 21))*millisPerDay
	if thrift < 2*ordinaryWilling {
		p.trial = trial
	}
	if thrift < w.script.willing(buys) {
		p.buys = buys
		p.churn += (p.churn - start) / 2
	}
}

// settle puts a person where its dates say it stands, for what is not played out.
func (p *person) settle(at int64) {
	switch {
	case p.buys <= at && p.churn <= at:
		p.standing, p.since = cancelled, p.churn
	case p.buys <= at:
		p.standing, p.since = paying, p.buys
	case p.trial <= at:
		p.standing, p.since = trying, p.trial
	}
}

// active tells whether a person still, or again, uses the product.
func (p *person) active(at int64) bool {
	return at < p.churn || p.back <= at && at < p.gone
}

// paysAt tells whether a person is on its paid plan.
func (p *person) paysAt(at int64) bool {
	return p.standing == paying && at >= p.since || p.standing == cancelled && at < p.since
}
