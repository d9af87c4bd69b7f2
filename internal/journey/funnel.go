package journey

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/history"
)

// Order says in which order a funnel's steps are taken.
type Order string

// The orders, as in the schema's enum FunnelOrder.
const (
	Sequential Order = "SEQUENTIAL" // other events may lie between
	Strict     Order = "STRICT"     // none may
	Any        Order = "ANY"        // in any order
)

// Touch says from which of its events a unit's value of a breakdown is taken.
type Touch string

// The touches, as in the schema's enum FunnelTouch.
const (
	FirstTouch Touch = "FIRST" // the first step that has one
	LastTouch  Touch = "LAST"  // the last step that has one
	StepTouch  Touch = "STEP"  // a given step
)

// The bounds of a funnel. Steps and exclusions have a bit each.
const (
	MinSteps      = 2
	MaxSteps      = 10
	MaxExclusions = maxMatchers - MaxSteps
)

// Exclusion removes a unit that did something after one step and before a later one.
type Exclusion struct {
	Of       Matcher
	From, To int // steps, from 0 on
}

// Funnel is a question about how far units come.
type Funnel struct {
	Steps      []Matcher
	Order      Order
	Window     int64 // microseconds from the entry on, half-open
	From, To   int64 // microseconds: when units may enter, half-open
	Exclusions []Exclusion
}

// Attempt is how far a unit came: the rows and the instants of the steps that it took.
type Attempt struct {
	Unit    int64
	Reached int // steps
	Rows    [MaxSteps]uint32
	At      [MaxSteps]int64
}

// Entered is when the attempt began.
func (a *Attempt) Entered() int64 { return a.At[0] }

// hit is an event that something depends on.
type hit struct {
	at    int64
	event int
	bits  uint16
}

// walker finds the attempt that counts of each of a share of the units.
type walker struct {
	*Funnel
	match  *matchers
	steps  uint16 // the bits of all steps
	hits   []hit
	next   [MaxSteps]int // of each step, the first hit behind the one before
	marked [MaxExclusions][]int
	path   [MaxSteps]int // the hits of the attempt
	any    anyOrder
}

// Run gives the attempt that counts of each unit that entered, from several goroutines at the
// same time, as [history.Columns.Each] does. What fn gets holds until it returns.
func (f *Funnel) Run(ctx context.Context, c *history.Columns, unit history.Unit, fn func(worker int, a *Attempt)) error {
	matched := append([]Matcher{}, f.Steps...)
	for _, x := range f.Exclusions {
		matched = append(matched, x.Of)
	}
	match := newMatchers(len(c.TypeNames()), matched)
	workers := make([]*walker, history.Workers())
	for i := range workers {
		workers[i] = &walker{Funnel: f, match: match, steps: 1<<len(f.Steps) - 1}
	}
	return c.Each(ctx, unit, func(n int, h *history.History) {
		w := workers[n]
		if !w.collect(h) {
			return
		}
		if a, ok := w.best(h); ok {
			fn(n, &a)
		}
	})
}

// collect gathers the hits of a history; false: nobody enters with them.
func (w *walker) collect(h *history.History) (enters bool) {
	entry := uint16(1)
	if w.Order == Any {
		entry = w.steps
	}
	w.hits = w.hits[:0]
	for i := range w.Exclusions {
		w.marked[i] = w.marked[i][:0]
	}
	for i, at := range h.At {
		if at < w.From || at >= w.To+w.Window {
			continue
		}
		b := w.match.of(h, i)
		if b == 0 {
			continue
		}
		enters = enters || b&entry != 0 && at < w.To
		for x := range w.Exclusions {
			if b&(1<<(len(w.Steps)+x)) != 0 {
				w.marked[x] = append(w.marked[x], len(w.hits))
			}
		}
		w.hits = append(w.hits, hit{at, i, b})
	}
	return enters
}

// best is the attempt that counts: the one that comes furthest, the earliest among equals. False
// where nobody enters, or an exclusion removes the unit.
func (w *walker) best(h *history.History) (best Attempt, ok bool) {
	w.next = [MaxSteps]int{}
	w.any.reset(w.hits, w.steps, w.Order)
	for e := range w.hits {
		if w.hits[e].at >= w.To {
			break
		}
		reached := w.attempt(e)
		if reached == 0 {
			continue
		}
		if w.excluded(reached) {
			return best, false
		}
		if reached > best.Reached {
			best = w.told(h, reached)
			if reached == len(w.Steps) && len(w.Exclusions) == 0 {
				break
			}
		}
	}
	return best, best.Reached > 0
}

// attempt is how many steps are taken from a hit on.
func (w *walker) attempt(entry int) int {
	w.path[0] = entry
	switch {
	case w.Order == Any:
		return w.any.attempt(w, entry)
	case w.hits[entry].bits&1 == 0:
		return 0
	case w.Order == Strict:
		return w.strict(entry)
	}
	return w.sequential(entry)
}

// sequential takes each step as early as it can. What was found for one entry is where the
// search for a later one begins, so that all attempts take one pass.
func (w *walker) sequential(entry int) int {
	until := w.hits[entry].at + w.Window
	for k := 1; k < len(w.Steps); k++ {
		i := max(w.next[k], w.path[k-1]+1)
		for i < len(w.hits) && w.hits[i].bits&(1<<k) == 0 {
			i++
		}
		w.next[k] = i
		if i == len(w.hits) || w.hits[i].at >= until {
			return k
		}
		w.path[k] = i
	}
	return len(w.Steps)
}

// strict takes the events that follow, each of which has to be the next step.
func (w *walker) strict(entry int) int {
	first := w.hits[entry]
	for k := 1; k < len(w.Steps); k++ {
		i := entry + k
		if i == len(w.hits) || w.hits[i].event != first.event+k || w.hits[i].bits&(1<<k) == 0 || w.hits[i].at >= first.at+w.Window {
			return k
		}
		w.path[k] = i
	}
	return len(w.Steps)
}

// excluded reports whether the attempt meets an exclusion: after its first step, and before its
// last one or, where that was not taken, the window's end.
func (w *walker) excluded(reached int) bool {
	until := w.hits[w.path[0]].at + w.Window
	for x, e := range w.Exclusions {
		if reached <= e.From {
			continue
		}
		end := len(w.hits)
		if reached > e.To {
			end = w.path[e.To]
		}
		if i := firstAfter(w.marked[x], w.path[e.From]); i < end && w.hits[i].at < until {
			return true
		}
	}
	return false
}

// firstAfter is the first of some numbers, in order, that is more than n.
func firstAfter(numbers []int, n int) int {
	const none = 1<<63 - 1
	low, high := 0, len(numbers)
	for low < high {
		if mid := (low + high) / 2; numbers[mid] > n {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == len(numbers) {
		return none
	}
	return numbers[low]
}

func (w *walker) told(h *history.History, reached int) Attempt {
	a := Attempt{Unit: h.Unit, Reached: reached}
	for k := range reached {
		at := w.hits[w.path[k]]
		a.Rows[k], a.At[k] = h.Row(at.event), at.at
	}
	return a
}
