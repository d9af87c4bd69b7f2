package tail

import "time"

// burst is over which time a rate holds.
const burst = 2 * time.Second

// budget says how many events may be given: it grows with time at a rate, up to what comes in
// the time of a burst.
type budget struct {
	rate   float64 // a second
	events float64
	at     time.Time // up to when it has grown
}

// budgetOf is that of a stream that begins, and has the time since an instant to make up for.
func budgetOf(rate int, since, now time.Time) budget {
	b := budget{rate: float64(rate), at: now}
	b.events = max(b.most(), min(maxBehind, b.rate*now.Sub(since).Seconds()))
	return b
}

// most is how many events are given in one go.
func (b *budget) most() float64 { return b.rate * burst.Seconds() }

// grow lets it grow until now. What there is to make up for stays.
func (b *budget) grow(now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 && b.events < b.most() {
		b.events = min(b.events+passed*b.rate, b.most())
	}
	b.at = now
}

// share is how many events may be given of a part of what there is; at least one, so that
// nothing is left out without anything being told.
func (b *budget) share(part, whole int64) int64 {
	return max(1, int64(b.events*float64(part)/float64(whole)))
}

func (b *budget) spend(events int) { b.events -= float64(events) }

// wait is how long until there is one event to give.
func (b *budget) wait() time.Duration {
	if b.events >= 1 {
		return 0
	}
	return time.Duration((1 - b.events) / b.rate * float64(time.Second))
}
