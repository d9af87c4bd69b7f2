package revenue

import (
	"slices"
	"time"
)

// Status is how a subscription stands, as in the schema's enum SubscriptionStatus.
type Status string

// The statuses.
const (
	Trialing Status = "TRIALING"
	Active   Status = "ACTIVE"
	PastDue  Status = "PAST_DUE" // a charge failed and is tried again: it still counts
	Paused   Status = "PAUSED"   // nothing is charged
	Canceled Status = "CANCELED" // it ends, or has ended
)

// ChurnRule says when a cancelled subscription stops counting, as in the schema's enum ChurnRule.
type ChurnRule string

// The rules.
const (
	AtPeriodEnd    ChurnRule = "PERIOD_END" // what was paid for is counted to its end
	AtCancellation ChurnRule = "CANCELLATION"
)

// State is what was known of a subscription from an instant on, until its next state. Times that
// were not given are zero.
type State struct {
	At         time.Time
	Status     Status
	Plan       int64
	Currency   string
	Monthly    int64 // what it is charged a month, in minor units
	Start      time.Time
	TrialStart time.Time
	TrialEnd   time.Time
	PeriodEnd  time.Time
	Canceled   time.Time
	End        time.Time
}

// end is when the state lets the subscription stop counting; zero: not yet known.
func (s State) end(rule ChurnRule) time.Time {
	canceled := s.Canceled
	if canceled.IsZero() && s.Status == Canceled {
		canceled = s.At
	}
	switch {
	case rule == AtCancellation && !canceled.IsZero() && (s.End.IsZero() || canceled.Before(s.End)):
		return canceled
	case !s.End.IsZero():
		return s.End
	case !canceled.IsZero() && s.PeriodEnd.After(canceled):
		return s.PeriodEnd
	}
	return canceled
}

// begin is from when on the first state that is known holds: it may tell of an earlier start.
func (s State) begin() time.Time {
	begin := s.At
	for _, told := range []time.Time{s.Start, s.TrialStart} {
		if !told.IsZero() && told.Before(begin) {
			begin = told
		}
	}
	return begin
}

// segment is a state for as long as it holds.
type segment struct {
	State
	from, until time.Time // until is zero of the last
	// stops is when it stops counting: by itself, or because the next state tells of an end
	// that lies before that state. Zero: it does not.
	stops time.Time
}

func segments(states []State, rule ChurnRule) []segment {
	states = slices.SortedFunc(slices.Values(states), func(a, b State) int { return a.At.Compare(b.At) })
	list := make([]segment, len(states))
	for i, s := range states {
		list[i] = segment{State: s, from: s.At, stops: s.end(rule)}
		if i == 0 {
			list[i].from = s.begin()
			continue
		}
		before := &list[i-1]
		before.until = s.At
		if end := list[i].stops; !end.IsZero() && end.Before(s.At) {
			before.stops = earlier(before.stops, end)
		}
	}
	return list
}

// earlier is the earlier of two instants, of which a zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// step is what a subscription comes to from an instant on.
type step struct {
	at       time.Time
	plan     int64
	currency string
	monthly  int64
	trial    bool
}

// steps cuts a subscription's life wherever what it comes to may change.
func steps(states []State, rule ChurnRule) (list []step) {
	for _, s := range segments(states, rule) {
		cuts := []time.Time{s.from}
		for _, at := range []time.Time{s.Start, s.TrialStart, s.TrialEnd, s.stops} {
			if at.After(s.from) && (s.until.IsZero() || at.Before(s.until)) {
				cuts = append(cuts, at)
			}
		}
		slices.SortFunc(cuts, time.Time.Compare)
		for _, at := range cuts {
			list = append(list, s.step(at))
		}
	}
	return list
}

func (s segment) step(at time.Time) step {
	now := step{at: at, plan: s.Plan, currency: s.Currency}
	switch {
	case at.Before(s.Start), !s.stops.IsZero() && !at.Before(s.stops):
	case s.Status == Trialing, at.Before(s.TrialEnd) && !at.Before(s.TrialStart):
		now.trial = true
	case s.Status != Paused:
		now.monthly = s.Monthly
	}
	return now
}

// Trial is a time in which a subscription was tried and not paid for.
type Trial struct {
	Subscription, Plan int64
	Currency           string
	Start              time.Time
	End                time.Time // zero: not yet known
	Converted          bool      // whether it was paid for from its end on
}

// Trials finds those of a subscription.
func Trials(subscription int64, states []State, rule ChurnRule) (list []Trial) {
	var open *Trial
	for _, s := range steps(states, rule) {
		switch {
		case s.trial && open == nil:
			open = &Trial{Subscription: subscription, Plan: s.plan, Currency: s.currency, Start: s.at}
		case !s.trial && open != nil:
			open.End, open.Converted = s.at, s.monthly > 0
			list, open = append(list, *open), nil
		}
	}
	if open != nil {
		list = append(list, *open)
	}
	return list
}
