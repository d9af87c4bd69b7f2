package journey

import "math/bits"

// anyOrder takes the steps of a funnel in whatever order they come. An event serves one step: so
// how many steps are taken is the size of a matching of events and steps, which grows by
// augmenting paths (Berge 1957); taken in the order of time, it is as large as it can be after
// each event. Of the hits of one set of steps no more can serve than there are steps in it,
// which bounds what one attempt looks at.
type anyOrder struct {
	kinds  []uint16 // the sets of steps that hits have
	places map[uint16]int
	of     [][]int          // the hits of each kind, in order
	from   []int            // of each kind, the first that is not before the entry
	at     []int            // of each kind, the next that the attempt looks at
	left   []int            // how many of each kind may serve yet
	server [MaxSteps]uint16 // the kind of the event that serves a step
	served uint16
	tried  uint16 // steps that were asked for in vain
}

func (a *anyOrder) reset(hits []hit, steps uint16, order Order) {
	if order != Any {
		return
	}
	if a.places == nil {
		a.places = map[uint16]int{}
	}
	clear(a.places)
	a.kinds, a.of = a.kinds[:0], a.of[:0]
	for i, h := range hits {
		kind := h.bits & steps
		if kind == 0 {
			continue
		}
		place, ok := a.places[kind]
		if !ok {
			place = len(a.kinds)
			a.places[kind] = place
			a.kinds, a.of = append(a.kinds, kind), append(a.of, nil)
		}
		a.of[place] = append(a.of[place], i)
	}
	a.from = make([]int, len(a.kinds))
}

// attempt is how many steps are taken from an entry on, in the order of time.
func (a *anyOrder) attempt(w *walker, entry int) (reached int) {
	if w.hits[entry].bits&w.steps == 0 {
		return 0
	}
	until := w.hits[entry].at + w.Window
	a.at, a.left, a.served = a.at[:0], a.left[:0], 0
	for k, kind := range a.kinds {
		for a.from[k] < len(a.of[k]) && a.of[k][a.from[k]] < entry {
			a.from[k]++
		}
		a.at, a.left = append(a.at, a.from[k]), append(a.left, bits.OnesCount16(kind))
	}
	for reached < len(w.Steps) {
		kind := a.earliest()
		if kind < 0 {
			break
		}
		i := a.of[kind][a.at[kind]]
		if w.hits[i].at >= until {
			break
		}
		a.at[kind]++
		a.left[kind]--
		a.tried = 0
		if a.serve(a.kinds[kind]) {
			w.path[reached] = i
			reached++
		}
	}
	return reached
}

// earliest is the kind whose next hit comes first; -1: there is none.
func (a *anyOrder) earliest() int {
	best := -1
	for k := range a.kinds {
		if a.left[k] == 0 || a.at[k] == len(a.of[k]) {
			continue
		}
		if best < 0 || a.of[k][a.at[k]] < a.of[best][a.at[best]] {
			best = k
		}
	}
	return best
}

// serve finds a step for an event of a kind, and others for those that it takes one from.
func (a *anyOrder) serve(kind uint16) bool {
	if free := kind &^ a.served; free != 0 {
		step := bits.TrailingZeros16(free)
		a.server[step], a.served = kind, a.served|1<<step
		return true
	}
	for open := kind &^ a.tried; open != 0; open = kind &^ a.tried {
		step := bits.TrailingZeros16(open)
		a.tried |= 1 << step
		if a.serve(a.server[step]) {
			a.server[step] = kind
			return true
		}
	}
	return false
}
