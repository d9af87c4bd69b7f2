package demo

// next is what the person does after a state.
func (k *walker) next(s uint8, st *state) uint8 {
	marks := &k.w.flow.marks
	switch {
	case s == marks.checkout:
		return k.outcome()
	case s == marks.billing && k.goal != end:
		goal := k.goal
		k.goal = end
		return goal
	case s == marks.signup && !k.visitor:
		return marks.signedUp
	case k.known && k.dice.chance(tempers[k.person.persona].leave):
		return end
	}
	return k.turn(st.next[st.odds.draw(k.dice)])
}

// turn takes the person elsewhere if it may not go where it was about to.
func (k *walker) turn(to uint8) uint8 {
	marks := &k.w.flow.marks
	switch {
	case to == end && !k.known && !k.visitor:
		return marks.signup
	case to == marks.novelty && int64(k.person.keen) >= k.w.script.adoption(k.at):
		return marks.before
	}
	return to
}

// outcome decides what becomes of a checkout.
func (k *walker) outcome() uint8 {
	marks, browser := &k.w.flow.marks, k.w.devices[k.person.device].browser
	switch {
	case k.w.script.recovering(k.at) && k.dice.chance(700):
		return marks.timedOut
	case k.w.script.broken(k.at) && browser == k.w.failing && k.dice.chance(550):
		return marks.crashed
	case k.dice.chance(ordinaryFailure):
		return marks.declined
	case k.buying:
		return marks.subscribed
	}
	return marks.ordered
}

// entry is where an ordinary session begins: at home, or at what a link led to.
func (w *world) entry(d *dice) uint8 {
	home := &w.flow.states[w.flow.marks.home]
	if d.chance(600) {
		return w.flow.marks.home
	}
	if s := home.next[home.odds.draw(d)]; s != end && w.flow.states[s].page >= 0 {
		return s
	}
	return w.flow.marks.home
}
