package demo

// record is an event before it is written out: small, because a day of them is
// held and sorted.
type record struct {
	at      int64
	who     uint32 // index of a person, or number of a visitor
	roll    uint32 // decides the values of its properties
	state   uint8
	page    uint8
	visitor bool
	known   bool // has signed up by then
}

// walker plays sessions: it walks people through the scenes and records what
// they do.
type walker struct {
	w    *world
	dice *dice
	out  []record
	left int   // events that may still happen
	end  int64 // when the history ends

	// The session under way.
	person  *person
	who     uint32
	visitor bool
	known   bool
	at      int64
	page    uint8
	goal    uint8 // what the person came to billing for; end if nothing
	buying  bool  // a subscription, not something single
	cart    uint32
}

// longest is the most events of a session.
const longest = 40

// visit plays a visitor who looks around and leaves.
func (k *walker) visit(number uint32, at int64) {
	visitor := person{}
	k.begin(&visitor, number, at)
	k.visitor = true
	k.play(k.w.flow.marks.landing)
}

// join plays the session in which a person signs up.
func (k *walker) join(p *person, who uint32, at int64) {
	k.begin(p, who, at)
	k.play(k.w.flow.marks.landing)
}

// use plays an ordinary session of somebody who has signed up.
func (k *walker) use(p *person, who uint32, at int64) {
	k.begin(p, who, at)
	k.known = true
	k.goal = k.purpose()
	k.buying = k.goal == k.w.flow.marks.checkout && p.standing == trying && p.buys <= at
	k.cart = cartOf(k.dice.bits32(), k.buying)
	if k.goal != end {
		k.play(k.w.flow.marks.billing)
		return
	}
	k.play(k.w.entry(k.dice))
}

func (k *walker) begin(p *person, who uint32, at int64) {
	k.person, k.who, k.at, k.page = p, who, at, 0
	k.visitor, k.known, k.goal, k.buying = false, false, end, false
}

// cartOf marks what is in a cart: an odd one holds a subscription.
func cartOf(roll uint32, subscription bool) uint32 {
	if subscription {
		return roll | 1
	}
	return roll &^ 1
}

// purpose is the business that waits for a person: the next step of its standing,
// not twice within a day. After an outage many come only to pay.
func (k *walker) purpose() uint8 {
	p, marks := k.person, &k.w.flow.marks
	if k.w.script.recovering(k.at) && k.dice.chance(350) {
		return marks.checkout
	}
	if k.at < p.since+millisPerDay {
		return end
	}
	switch {
	case p.standing == free && p.trial <= k.at:
		return marks.trial
	case p.standing == trying && p.buys <= k.at:
		return marks.checkout
	case p.standing == paying && k.at > p.churn-21*millisPerDay && k.at < p.churn && k.dice.chance(400):
		return marks.cancelled
	}
	return end
}

// play walks from a state to the end of the session. A session that would pass
// the end of history takes place a little earlier.
func (k *walker) play(s uint8) {
	first := len(k.out)
	for range longest {
		if s == end || k.left == 0 || k.known && k.w.script[outage].holds(k.at) {
			break
		}
		k.record(s)
		st := &k.w.flow.states[s]
		s = k.next(s, st)
		u := int64(k.dice.below(1024)) // squared: most pauses are short
		k.at += st.lo + (st.hi-st.lo)*u*u>>20 + int64(k.dice.below(1000))
	}
	k.pull(k.out[first:])
}

func (k *walker) pull(session []record) {
	if len(session) == 0 {
		return
	}
	over := session[len(session)-1].at - k.end + 1
	for i := range session {
		if over > 0 {
			session[i].at -= over
		}
	}
}

// record writes one event down, and what it changes.
func (k *walker) record(s uint8) {
	st, marks := &k.w.flow.states[s], &k.w.flow.marks
	if st.page >= 0 {
		k.page = uint8(st.page)
	}
	switch s {
	case marks.signedUp:
		k.known = true
	case marks.trial:
		k.stand(trying)
	case marks.subscribed:
		k.stand(paying)
		k.buying = false
	case marks.cancelled:
		k.stand(cancelled)
	}
	roll := k.cart
	if !st.costs {
		roll = k.dice.bits32()
	}
	k.out = append(k.out, record{k.at, k.who, roll, s, k.page, k.visitor, k.known})
	k.left--
}

func (k *walker) stand(s standing) { k.person.standing, k.person.since = s, k.at }
