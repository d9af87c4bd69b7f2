package metric

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// layout is what a range comes to by the calendar alone, whatever happened in it: its buckets,
// and how those are put together from what is kept. Dashboards ask for the same few ranges all
// the time, so they are laid out once. A layout is shared, and nobody changes it.
type layout struct {
	full    []calendar.Bucket // of which the first may begin before the range, and the last end after it
	buckets []calendar.Bucket // cut to the range
	starts  []time.Time       // of the full buckets
	extent  extent
	key     func() string // equal for equal buckets
	cover   func() cover
	kept    func() cover
	parts   [2][2]func() parts // by whether edges are kept, and whether parts add up
}

// maxLaidOut is how many buckets all layouts that are remembered have together, where each
// layout counts for ten more. One takes some 400 bytes.
const maxLaidOut = 40_000

// laidOut are the layouts that were last asked for, by all that they depend on.
var laidOut = otter.Must(&otter.Options[layoutKey, *layout]{
	MaximumWeight: maxLaidOut, Weigher: func(_ layoutKey, l *layout) uint32 { return uint32(len(l.buckets) + 10) },
})

type layoutKey struct {
	extent
	zone      calendar.Zone
	interval  calendar.Interval // empty: a whole range, as a single bucket
	weekStart time.Weekday
}

// extent is what the layout of given buckets depends on besides them.
type extent struct {
	from, to, rawSince int64
	home               calendar.Zone
	narrowed           bool
}

func (w Window) extent() extent {
	return extent{w.From.UnixNano(), w.To.UnixNano(), w.rawSince.Unix(), w.home, w.narrowed}
}

// layout lays the window out in buckets of an interval.
func (w Window) layout(interval calendar.Interval) (*layout, error) {
	if err := checkInterval(interval); err != nil {
		return nil, err
	}
	return w.remembered(interval, func() ([]calendar.Bucket, error) { return w.buckets(interval) })
}

// single is a grid of the window as one bucket.
func (w Window) single(filter *Filter) Grid {
	l, _ := w.remembered("", func() ([]calendar.Bucket, error) { return w.whole(), nil })
	return w.laid(l, "", filter)
}

func (w Window) remembered(interval calendar.Interval, full func() ([]calendar.Bucket, error)) (*layout, error) {
	key := layoutKey{w.extent(), w.Zone, interval, w.WeekStart}
	if known, ok := laidOut.GetIfPresent(key); ok {
		return known, nil
	}
	buckets, err := full()
	if err != nil {
		return nil, err
	}
	made := layOut(Grid{Window: w, Buckets: w.clip(buckets)})
	made.full, made.starts = buckets, make([]time.Time, len(buckets))
	for i, b := range buckets {
		made.starts[i] = b.Start
	}
	laidOut.Set(key, made)
	return made, nil
}

// laid is a grid of a layout of the window.
func (w Window) laid(l *layout, interval calendar.Interval, filter *Filter) Grid {
	return Grid{Window: w, Buckets: l.buckets, Interval: interval, Filter: filter, laid: l}
}

// layout is that of the grid's buckets, whatever they are.
func (g Grid) layout() *layout {
	if l := g.laid; l != nil && l.extent == g.extent() && isSame(l.buckets, g.Buckets) {
		return l
	}
	return layOut(g)
}

// isSame reports whether two lists are one and the same.
func isSame(a, b []calendar.Bucket) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// layOut works a layout out, each part of it when it is first asked for.
func layOut(g Grid) *layout {
	l := &layout{full: g.Buckets, buckets: g.Buckets, extent: g.extent()}
	l.key = sync.OnceValue(func() string {
		sum := sha256.Sum256(appendBuckets(make([]byte, 0, 16*len(g.Buckets)), g.Buckets))
		return string(sum[:])
	})
	l.cover = sync.OnceValue(g.takeApart)
	l.kept = sync.OnceValue(func() cover { return l.cover().kept() })
	for edges, from := range []func() cover{l.cover, l.kept} {
		for adds := range 2 {
			l.parts[edges][adds] = sync.OnceValue(func() parts {
				list := from().parts(adds == 1)
				return parts{list, runsOf(list)}
			})
		}
	}
	return l
}

// parts are what is counted each as one, and the runs of days among them that may be closed.
type parts struct {
	list []part
	runs []run
}

// partsFor are the parts that are counted by days in some way.
func (l *layout) partsFor(d *daily) parts {
	edges, adds := 0, 0
	if d.edges {
		edges = 1
	}
	if d.adds {
		adds = 1
	}
	return l.parts[edges][adds]()
}

// runsOf finds the runs of days that may be closed.
func runsOf(list []part) []run {
	var days []run
	for _, p := range list {
		if p.whole {
			days = append(days, run{p.day, p.day})
		}
	}
	return joinRuns(days)
}

// run is a run of days. Reading some that nobody asks for costs less than another statement.
type run struct{ first, last calendar.Date }

// maxGap is how many days that nobody asks for a run may hold in a row.
const maxGap = 60

// joinRuns makes one of those that are not far apart.
func joinRuns(runs []run) (joined []run) {
	slices.SortFunc(runs, func(a, b run) int { return int(a.first - b.first) })
	for _, r := range runs {
		if last := len(joined) - 1; last >= 0 && r.first-joined[last].last <= maxGap {
			joined[last].last = max(joined[last].last, r.last)
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}
