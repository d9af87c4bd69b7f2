package journey

import (
	"context"
	"math"
	"math/bits"
	"slices"

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
	match *matchers
	ruler *ruler // of the cohorts and what comes after

	furthest int       // the last bucket after the start that a column tells of
	plain    bool      // each column tells of the bucket of its own number
	to       *Retained // the group that was told last
	toKey    Key

	groups map[Key]*Retained
	over   bool // there are more groups than can be told
	found  []start
	active []uint64 // bits of the buckets in which the unit returned
	last   int      // the last of them; 0 as well where there is none
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
		workers[i] = &retainer{
			Retention: r, match: match, ruler: ruler, furthest: furthest(r.Columns), plain: plain(r.Columns), groups: map[Key]*Retained{}, active: make([]uint64, longest/64+1),
		}
	}
	return workers
}

func plain(columns []Span) bool {
	for n, span := range columns {
		if span != (Span{n, n}) {
			return false
		}
	}
	return true
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
		if w.to == nil || s.group != w.toKey {
			if w.to, w.toKey = w.group(s.group), s.group; w.to == nil {
				return
			}
		}
		w.to.Sizes[s.cohort] += weight
		if w.Rolling {
			w.roll(h, s)
		}
		w.count(w.to.Returned[s.cohort], s, weight)
	}
}

// count adds a unit to the columns in which it returned after a start.
func (w *retainer) count(row []int, s start, weight int) {
	from := 0
	if !w.Rolling {
		from = s.cohort
	}
	switch {
	case !w.plain:
		for i, span := range w.Columns {
			if w.returned(from, span) {
				row[i] += weight
			}
		}
	case w.Return == OnOrAfter:
		for n := range min(max(w.last-from, 0)+1, len(row)) {
			row[n] += weight
		}
	default:
		row[0] += weight // it was there
		for n := 1; n < len(row); n += 64 {
			for word := w.word(from+n) & (1<<min(len(row)-n, 64) - 1); word != 0; word &= word - 1 {
				row[n+bits.TrailingZeros64(word)] += weight
			}
		}
	}
}

// word are the marks of 64 buckets from one on.
func (w *retainer) word(bucket int) (marks uint64) {
	at, over := bucket/64, bucket%64
	if at < len(w.active) {
		marks = w.active[at] >> over
	}
	if over > 0 && at+1 < len(w.active) {
		marks |= w.active[at+1] << (64 - over)
	}
	return marks
}

// starts finds where the unit joins cohorts.
func (w *retainer) starts(h *history.History) {
	w.found = w.found[:0]
	if w.Start == Recurring {
		w.recur(h)
		return
	}
	for i, at := range h.At {
		if at >= w.To {
			return
		}
		b := w.match.of(h, i)
		if w.Start == FirstEver && b&ever == 0 || w.Start == FirstMatching && b&starts == 0 {
			continue
		}
		if b&starts != 0 {
			w.join(h, i)
		}
		return
	}
}

// recur has the unit join the cohort of every bucket that it starts in. Histories are in order, so
// what lies before the range is passed over, and so is the rest of a bucket that it has joined.
func (w *retainer) recur(h *history.History) {
	ats, joined := h.At, int64(math.MinInt64) // until when it has
	from, _ := slices.BinarySearch(ats, w.From)
	for i := from; i < len(ats) && ats[i] < w.To; i++ {
		if ats[i] < joined || w.match.of(h, i)&starts == 0 {
			continue
		}
		if cohort, ok := w.ruler.bucket(ats[i]); ok {
			joined = w.ruler.edges[cohort+1]
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

// mark notes in which buckets of the calendar the unit returned: in those that a column tells of,
// or, where later is as good, in the last one.
func (w *retainer) mark(h *history.History) {
	w.forget()
	if w.Return == OnOrAfter {
		w.markLast(h)
		return
	}
	last := min(w.found[len(w.found)-1].cohort+w.furthest+1, w.ruler.len())
	until, seen := w.ruler.edges[last], int64(math.MinInt64) // seen: until when it has returned
	for i, ats := w.found[0].event, h.At; i < len(ats) && ats[i] < until; i++ {
		if ats[i] < seen || w.match.of(h, i)&returns == 0 {
			continue
		}
		if b, ok := w.ruler.bucket(ats[i]); ok {
			seen = w.ruler.edges[b+1]
			w.active[b/64] |= 1 << (b % 64)
		}
	}
}

func (w *retainer) markLast(h *history.History) {
	for i := len(h.At) - 1; i >= w.found[0].event; i-- {
		if w.match.of(h, i)&returns == 0 {
			continue
		}
		if b, ok := w.ruler.bucket(h.At[i]); ok {
			w.see(b)
			return
		}
	}
}

// roll notes in which buckets, counted from the start, the unit returned.
func (w *retainer) roll(h *history.History, s start) {
	w.forget()
	most, seen := len(w.active)*64, int64(math.MinInt64) // seen: until when it has returned
	for i := s.event; i < len(h.At); i++ {
		if h.At[i] < seen {
			continue
		}
		n := int((h.At[i] - s.at) / w.Step)
		if n > w.furthest && w.Return != OnOrAfter {
			return
		}
		if w.match.of(h, i)&returns != 0 {
			seen = s.at + int64(n+1)*w.Step
			w.see(min(n, most-1))
		}
	}
}

func (w *retainer) forget() {
	clear(w.active)
	w.last = 0
}

func (w *retainer) see(bucket int) {
	w.active[bucket/64] |= 1 << (bucket % 64)
	w.last = max(w.last, bucket)
}

// returned reports whether the unit returned within a span after a bucket.
func (w *retainer) returned(from int, span Span) bool {
	if span.From == 0 { // it was there
		return true
	}
	if w.Return == OnOrAfter {
		return w.last >= from+span.From
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
