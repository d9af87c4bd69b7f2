package journey

import (
	"context"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// LifecycleAsk asks how units come and go.
type LifecycleAsk struct {
	metric.Ask
	Unit Unit
	Of   Events
}

// LifecycleTable tells of each bucket how many units are new (active for the first time ever),
// returning (active in it and in the one before), resurrecting (active in it and before, but not in
// the one before), and dormant (active in the one before, and not in it).
type LifecycleTable struct {
	Provenance
	Interval                              calendar.Interval
	At                                    []time.Time
	Complete                              []bool
	New, Returning, Resurrecting, Dormant []int
}

const maxLifecycle = 2_000

// Lifecycle tells how units come and go.
func (s *Service) Lifecycle(ctx context.Context, ask LifecycleAsk) (t *LifecycleTable, err error) {
	err = s.snapshot(ctx, func(shot metric.Snapshot) error {
		if !ask.Interval.Valid() {
			return fault.Input("interval", "There is no such interval.")
		}
		if err := shot.CheckEvents("event", ask.Of.Types, ask.Of.Filter); err != nil {
			return err
		}
		w, err := shot.Window(ask.Ask)
		if err != nil {
			return err
		}
		return s.play(ctx, shot, ask.Unit, []Events{ask.Of}, nil, func(sc *scene) error {
			t, err = sc.lifecycle(ctx, &ask, w)
			return err
		})
	})
	return t, err
}

func (s *scene) lifecycle(ctx context.Context, ask *LifecycleAsk, w metric.Window) (*LifecycleTable, error) {
	grid := w.Grid(ask.Interval)
	buckets, err := grid.Buckets(w.From, w.To, maxLifecycle)
	if err != nil {
		return nil, err
	}
	m, err := s.matcher(ctx, ask.Of)
	if err != nil {
		return nil, err
	}
	// With the one before, against which the first is told.
	all := append([]calendar.Bucket{{Start: grid.Add(buckets[0].Start, -1), End: buckets[0].Start}}, buckets...)
	turnout, err := lifecycle(ctx, s.columns, s.kind, m, all)
	if err != nil {
		return nil, err
	}
	t := &LifecycleTable{
		Provenance: provenance(w, w.RawSince() == nil), Interval: ask.Interval, New: turnout[isNew][1:],
		Returning: turnout[isReturning][1:], Resurrecting: turnout[isResurrecting][1:], Dormant: turnout[isDormant][1:],
	}
	for _, b := range buckets {
		t.At, t.Complete = append(t.At, b.Start), append(t.Complete, !b.End.After(w.Watermark))
	}
	w.NoteLife(ctx, all[len(all)-1].End)
	if i := slices.Index(t.Complete, false); i >= 0 {
		w.NoteUntil(ctx, buckets[i].End)
	}
	return t, nil
}

// What a unit is in a bucket.
const (
	isNew = iota
	isReturning
	isResurrecting
	isDormant
	phases
)

// lifecycle counts units by phase and bucket. What the first bucket is told against is not there:
// it is for those after it.
func lifecycle(ctx context.Context, c *history.Columns, unit history.Unit, of Matcher, buckets []calendar.Bucket) ([phases][]int, error) {
	counts := make([][phases][]int, history.Workers())
	for n := range counts {
		for p := range counts[n] {
			counts[n][p] = make([]int, len(buckets))
		}
	}
	match, ruler := newMatchers(len(c.TypeNames()), []Matcher{of}), newRuler(buckets)
	err := c.Each(ctx, unit, func(n int, h *history.History) { phasesOf(h, match, ruler, &counts[n]) })
	for _, more := range counts[1:] {
		for p := range more {
			for b := range more[p] {
				counts[0][p][b] += more[p][b]
			}
		}
	}
	return counts[0], err
}

func phasesOf(h *history.History, match *matchers, ruler *ruler, counts *[phases][]int) {
	const never = -2
	last, known := never, false // the last bucket in which it was active; whether it was before all
	for i, at := range h.At {
		if match.of(h, i) == 0 {
			continue
		}
		b, within := ruler.bucket(at)
		switch {
		case !within && at >= ruler.edges[len(ruler.edges)-1]:
			goes(last, ruler.len(), counts)
			return
		case !within:
			known = true
			continue
		case b == last:
			continue
		case !known:
			counts[isNew][b]++
		case last == b-1:
			counts[isReturning][b]++
		default:
			counts[isResurrecting][b]++
			goes(last, b, counts)
		}
		last, known = b, true
	}
	goes(last, ruler.len(), counts)
}

// goes counts a unit as dormant in the bucket after the last one in which it was active, unless
// that is the next one in which it is.
func goes(last, next int, counts *[phases][]int) {
	if last >= 0 && last+1 < next {
		counts[isDormant][last+1]++
	}
}
