package revenue

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// mergeWithin is how long after a change others belong to it: whoever is moved to another plan
// by two calls has moved once.
const mergeWithin = time.Hour

// Kind is what a movement of MRR is, as in the schema's enum MrrMovementKind.
type Kind string

// The kinds.
const (
	New          Kind = "NEW"          // first ever above 0
	Expansion    Kind = "EXPANSION"    // higher
	Contraction  Kind = "CONTRACTION"  // lower, still above 0
	Churn        Kind = "CHURN"        // to 0
	Reactivation Kind = "REACTIVATION" // from 0, not the first time
)

// Leaf is what MRR is kept by: a subscription on a plan in a currency.
type Leaf struct {
	Subscription, Plan int64
	Currency           string
}

// Part is what one leaf has to do with a movement.
type Part struct {
	Leaf
	Amount int64 // what its MRR rose by, in minor units
}

// Movement is how a customer's MRR in one currency moved on one day of the tenant's zone.
//
// Later changes of a day take part in its movement, so what there is to see depends on when one
// looks: a movement is there from Shown on and until Hidden. All of them shown at an instant are
// those of the changes until then, and no others.
type Movement struct {
	At       time.Time     // of the day's last change
	Day      calendar.Date // of At
	Kind     Kind
	Currency string
	Parts    []Part
	Shown    time.Time
	Hidden   time.Time // zero: never
}

// Amount is what the customer's MRR rose by.
func (m Movement) Amount() (sum int64) {
	for _, p := range m.Parts {
		sum += p.Amount
	}
	return sum
}

func (m Movement) same(other Movement) bool {
	return m.At.Equal(other.At) && m.Kind == other.Kind && m.Currency == other.Currency && slices.Equal(m.Parts, other.Parts)
}

// Derive tells how a customer's MRR moved, by all that is known of their subscriptions. It goes
// by the times in the facts alone: neither their order nor the clock has a say.
func Derive(zone calendar.Zone, rule ChurnRule, subscriptions map[int64][]State) []Movement {
	t := teller{zone: zone}
	for _, c := range changesOf(rule, subscriptions) {
		t.tell(c)
	}
	t.done = append(t.done, t.open...)
	slices.SortFunc(t.done, func(a, b Movement) int {
		return cmp.Or(a.Shown.Compare(b.Shown), a.At.Compare(b.At), cmp.Compare(a.Currency, b.Currency))
	})
	return t.done
}

// change is what happened at one instant.
type change struct {
	at     time.Time
	deltas map[Leaf]int64
	paying int // leaves above 0 after it
}

func changesOf(rule ChurnRule, subscriptions map[int64][]State) []change {
	at := map[time.Time]map[Leaf]int64{}
	for id, states := range subscriptions {
		var was Part
		for _, s := range steps(states, rule) {
			now := Part{Leaf{id, s.plan, s.currency}, s.monthly}
			deltas := at[s.at.UTC()]
			if deltas == nil {
				deltas = map[Leaf]int64{}
				at[s.at.UTC()] = deltas
			}
			deltas[was.Leaf] -= was.Amount
			deltas[now.Leaf] += now.Amount
			was = now
		}
	}
	var list []change
	balance, paying := map[Leaf]int64{}, 0
	for _, when := range slices.SortedFunc(maps.Keys(at), time.Time.Compare) {
		c := change{at: when, deltas: at[when]}
		maps.DeleteFunc(c.deltas, func(_ Leaf, delta int64) bool { return delta == 0 })
		for leaf, delta := range c.deltas {
			if balance[leaf] == 0 {
				paying++
			}
			if balance[leaf] += delta; balance[leaf] == 0 {
				paying--
			}
		}
		if c.paying = paying; len(c.deltas) > 0 {
			list = append(list, c)
		}
	}
	return list
}

// teller follows the changes of a customer. What a change can still alter is the movement of its
// own day, and of the day before if it takes the last change along over midnight: the days
// before these two are settled.
type teller struct {
	zone   calendar.Zone
	paid   bool // whether the settled days have a movement
	paying int  // leaves above 0 after the settled days
	tail   []merged
	open   []Movement // shown until further notice
	done   []Movement
}

// merged is one or several changes that count as one.
type merged struct {
	change
	first time.Time
	day   calendar.Date
}

func (t *teller) tell(c change) {
	day := t.zone.DateOf(c.at)
	if n := len(t.tail); n > 0 && c.at.Sub(t.tail[n-1].first) <= mergeWithin {
		last := t.tail[n-1]
		t.tail[n-1] = merged{change{c.at, sum(last.deltas, c.deltas), c.paying}, last.first, day}
	} else {
		t.tail = append(t.tail, merged{c, c.at, day})
	}
	t.settle()
	t.show(c.at, t.movements())
}

// settle lets go of all days but the last two.
func (t *teller) settle() {
	for n := len(t.tail); t.tail[0].day < t.tail[n-1].day; n = len(t.tail) {
		day := t.tail[0].day
		if second := slices.IndexFunc(t.tail, func(m merged) bool { return m.day > day }); t.tail[second].day == t.tail[n-1].day {
			return
		}
		for t.tail[0].day == day {
			t.paying, t.tail = t.tail[0].paying, t.tail[1:]
		}
		t.open = slices.DeleteFunc(t.open, func(m Movement) bool {
			if m.Day > day {
				return false
			}
			t.done, t.paid = append(t.done, m), true
			return true
		})
	}
}

// movements are those of the days that are not settled.
func (t *teller) movements() (list []Movement) {
	paid, before := t.paid, t.paying
	for rest := t.tail; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].day == rest[0].day {
			n++
		}
		var deltas map[Leaf]int64
		for _, m := range rest[:n] {
			deltas = sum(deltas, m.deltas)
		}
		last := rest[n-1]
		list = append(list, movementsOf(last, deltas, kindOf(paid, before, last.paying))...)
		paid, before, rest = paid || last.paying > 0, last.paying, rest[n:]
	}
	return list
}

// kindOf is empty while a customer stays above 0: then the amount decides.
func kindOf(paid bool, before, after int) Kind {
	switch {
	case before == 0 && paid:
		return Reactivation
	case before == 0:
		return New
	case after == 0:
		return Churn
	}
	return ""
}

// movementsOf makes one movement of each currency.
func movementsOf(last merged, deltas map[Leaf]int64, kind Kind) (list []Movement) {
	parts := map[string][]Part{}
	for leaf, delta := range deltas {
		if delta != 0 {
			parts[leaf.Currency] = append(parts[leaf.Currency], Part{leaf, delta})
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(parts)) {
		m := Movement{At: last.at, Day: last.day, Kind: kind, Currency: currency, Parts: parts[currency]}
		slices.SortFunc(m.Parts, func(a, b Part) int {
			return cmp.Or(cmp.Compare(a.Subscription, b.Subscription), cmp.Compare(a.Plan, b.Plan))
		})
		if kind == "" {
			m.Kind = bySign(m.Amount())
		}
		list = append(list, m)
	}
	return list
}

func bySign(amount int64) Kind {
	if amount < 0 {
		return Contraction
	}
	return Expansion
}

// show replaces what is shown by what is to be shown from an instant on.
func (t *teller) show(from time.Time, now []Movement) {
	for _, m := range t.open {
		i := slices.IndexFunc(now, m.same)
		if i < 0 {
			m.Hidden = from
			t.done = append(t.done, m)
			continue
		}
		now[i].Shown = m.Shown
	}
	for i := range now {
		if now[i].Shown.IsZero() {
			now[i].Shown = from
		}
	}
	t.open = now
}

// sum adds deltas, and changes neither.
func sum(a, b map[Leaf]int64) map[Leaf]int64 {
	total := maps.Clone(b)
	for leaf, delta := range a {
		total[leaf] += delta
	}
	return total
}
