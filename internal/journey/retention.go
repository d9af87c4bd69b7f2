package journey

import (
	"context"
	"math/bits"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
)

// Start says when a unit joins a cohort.
type Start string

// The starts, as in the schema's enum RetentionStart.
const (
	FirstEver     Start = "FIRST_EVER"     // with the first event of its type in its life, if that matches
	FirstMatching Start = "FIRST_MATCHING" // with the first event in its life that matches
	Recurring     Start = "RECURRING"      // in every bucket in which it starts
)

// Return says when a unit has returned.
type Return string

// The returns, as in the schema's enum RetentionReturn.
const (
	On        Return = "ON"          // in the bucket
	OnOrAfter Return = "ON_OR_AFTER" // in the bucket or later
	Bracket   Return = "BRACKET"     // at least once within a span of buckets
)

// Span is a span of buckets after the start, both ends included.
type Span struct{ From, To int }

// Retention is a question about who comes back.
type Retention struct {
	Start Start
	// Of FirstEver: an event of these is the first; the start's own matcher tells whether it counts.
	Ever     Matcher
	Starts   Matcher
	Returns  Matcher
	Return   Return
	Rolling  bool                     // buckets are counted from each unit's own start
	Cohorts  []calendar.Bucket        // in full, of which starts count within From and To
	After    []calendar.Bucket        // those that follow, by the calendar, as far as anybody may return
	From, To int64                    // microseconds: which starts count, half-open
	Step     int64                    // of a rolling bucket, in microseconds
	Columns  []Span                   // the buckets or spans after the start
	Group    func(row uint32) Key     // of the event that a unit starts with; nil: one group
	Weight   func(unit, at int64) int // nil: 1
}

// Retained is what a group's cohorts come to: how many started, and of each column how many
// returned.
type Retained struct {
	Sizes    []int
	Returned [][]int // by cohort and column
}

// Key tells groups apart: by a number for each dimension.
type Key [3]uint32

func newRetained(cohorts, columns int) *Retained {
	r := &Retained{make([]int, cohorts), make([][]int, cohorts)}
	for c := range r.Returned {
		r.Returned[c] = make([]int, columns)
	}
	return r
}

func (r *Retained) add(other *Retained) {
	for c, n := range other.Sizes {
		r.Sizes[c] += n
		for i, m := range other.Returned[c] {
			r.Returned[c][i] += m
		}
	}
}

// Of the matchers of a retention.
const (
	starts uint16 = 1 << iota
	returns
	ever
)

// retainer works a retention out over a share of the units.
type retainer struct {
	*Retention
	match   *matchers
	ruler   *ruler // of the cohorts and what comes after
	groups  map[Key]*Retained
	over    bool // there are more groups than can be told
	found   []start
	active  []uint64 // bits of the buckets in which the unit returned
	last    int      // the last of them
	someone bool     // whether there is any
}

// start is where a unit joins a cohort.
type start struct {
	cohort int
	at     int64
	group  Key
	event  int
}

// maxCells is how many figures one answer is worked out of.
const maxCells = 2_000_000

// errGroups is why a breakdown cannot be told.
var errGroups = fault.Input("by", "There are too many groups to tell. Ask for less: another dimension, or fewer buckets.")

// Run works the retention out, by group.
func (r *Retention) Run(ctx context.Context, c *history.Columns, unit history.Unit) (map[Key]*Retained, error) {
	workers := r.retainers(c)
	if err := c.Each(ctx, unit, func(n int, h *history.History) { workers[n].unit(h) }); err != nil {
		return nil, err
	}
	all := map[Key]*Retained{}
	for _, w := range workers {
		if w.over {
			return nil, errGroups
		}
		for key, of := range w.groups {
			if all[key] == nil {
				all[key] = of
				continue
			}
			all[key].add(of)
		}
	}
	return all, nil
}

// retainers are the workers: what tells events and buckets is only read, and so of all of them.
func (r *Retention) retainers(c *history.Columns) []*retainer {
	all := append(append([]calendar.Bucket{}, r.Cohorts...), r.After...)
	longest := max(len(all), furthest(r.Columns)+1)
	match, ruler := newMatchers(len(c.TypeNames()), []Matcher{r.Starts, r.Returns, r.Ever}), newRuler(all)
	workers := make([]*retainer, history.Workers())
	for i := range workers {
		workers[i] = &retainer{Retention: r, match: match, ruler: ruler, groups: map[Key]*Retained{}, active: make([]uint64, longest/64+1)}
	}
	return workers
}

// group gives the group of a key; nil where there are too many.
func (w *retainer) group(key Key) *Retained {
	g := w.groups[key]
	if g == nil {
		if cells := len(w.Cohorts) * (1 + len(w.Columns)); len(w.groups) > 0 && (len(w.groups)+1)*cells > maxCells {
			w.over = true
			return nil
		}
		g = newRetained(len(w.Cohorts), len(w.Columns))
		w.groups[key] = g
	}
	return g
}

func (w *retainer) unit(h *history.History) {
	if w.over {
		return
	}
	w.starts(h)
	if len(w.found) == 0 {
		return
	}
	if !w.Rolling {
		w.mark(h)
	}
	for _, s := range w.found {
		weight := 1
		if w.Weight != nil {
			weight = w.Weight(h.Unit, s.at)
		}
		to := w.group(s.group)
		if to == nil {
			return
		}
		to.Sizes[s.cohort] += weight
		if w.Rolling {
			w.roll(h, s)
		}
		for i, span := range w.Columns {
			if w.returned(s, span) {
				to.Returned[s.cohort][i] += weight
			}
		}
	}
}

// starts finds where the unit joins cohorts.
func (w *retainer) starts(h *history.History) {
	w.found = w.found[:0]
	joined := -1
	for i, at := range h.At {
		if at >= w.To {
			return
		}
		if w.Start == Recurring && at < w.From {
			continue
		}
		b := w.match.of(h, i)
		if w.Start == FirstEver {
			if b&ever == 0 {
				continue
			}
			if b&starts != 0 {
				w.join(h, i)
			}
			return
		}
		if b&starts == 0 {
			continue
		}
		if w.Start == FirstMatching {
			w.join(h, i)
			return
		}
		if cohort, ok := w.ruler.bucket(at); ok && cohort != joined {
			joined = cohort
			w.join(h, i)
		}
	}
}

// join has the unit start with an event, if that is within the range.
func (w *retainer) join(h *history.History, i int) {
	at := h.At[i]
	cohort, ok := w.ruler.bucket(at)
	if !ok || at < w.From || at >= w.To || cohort >= len(w.Cohorts) {
		return
	}
	var key Key
	if w.Group != nil {
		key = w.Group(h.Row(i))
	}
	w.found = append(w.found, start{cohort, at, key, i})
}

// mark notes in which buckets of the calendar the unit returned.
func (w *retainer) mark(h *history.History) {
	w.forget()
	for i := w.found[0].event; i < len(h.At); i++ {
		if w.match.of(h, i)&returns == 0 {
			continue
		}
		if b, ok := w.ruler.bucket(h.At[i]); ok {
			w.see(b)
		}
	}
}

// roll notes in which buckets, counted from the start, the unit returned.
func (w *retainer) roll(h *history.History, s start) {
	w.forget()
	most := len(w.active) * 64
	for i := s.event; i < len(h.At); i++ {
		n := int((h.At[i] - s.at) / w.Step)
		if n >= most && w.Return != OnOrAfter {
			return
		}
		if w.match.of(h, i)&returns != 0 {
			w.see(min(n, most-1))
		}
	}
}

func (w *retainer) forget() {
	clear(w.active)
	w.last, w.someone = 0, false
}

func (w *retainer) see(bucket int) {
	w.active[bucket/64] |= 1 << (bucket % 64)
	w.last, w.someone = max(w.last, bucket), true
}

// returned reports whether the unit returned within a span after its start.
func (w *retainer) returned(s start, span Span) bool {
	if span.From == 0 { // it was there
		return true
	}
	from := 0
	if !w.Rolling {
		from = s.cohort
	}
	if w.Return == OnOrAfter {
		return w.someone && w.last >= from+span.From
	}
	return w.any(from+span.From, from+span.To)
}

// any reports whether one of the buckets from a to b is marked.
func (w *retainer) any(a, b int) bool {
	b = min(b, len(w.active)*64-1)
	for word := a / 64; word <= b/64 && a <= b; word++ {
		marked := w.active[word]
		if word == a/64 {
			marked &= ^uint64(0) << (a % 64)
		}
		if word == b/64 {
			marked &= ^uint64(0) >> (63 - b%64)
		}
		if bits.OnesCount64(marked) > 0 {
			return true
		}
	}
	return false
}
