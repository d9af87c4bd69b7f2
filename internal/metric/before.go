package metric

import "github.com/tidemarkhq/tidemark/internal/calendar"

// before are the whole buckets before those of the grid: that of the calendar before the one
// that a bucket is in, even where the range cuts that; and of a whole range, as long a one.
func (g Grid) before() []calendar.Bucket {
	if g.Before != nil {
		return g.Before
	}
	before := make([]calendar.Bucket, len(g.Buckets))
	for i, b := range g.Buckets {
		if g.Interval == "" {
			before[i] = calendar.Bucket{Start: g.length(nil).back(g.Zone, b.Start, false), End: b.Start}
			continue
		}
		grid := g.grid(g.Interval)
		start := grid.Floor(b.Start)
		before[i] = calendar.Bucket{Start: grid.Add(start, -1), End: start}
	}
	return before
}

// beforeMoved are the buckets before a grid's, moved into the window of a comparison: so that
// both are told against as much.
func (g Grid) beforeMoved(s shift) []calendar.Bucket {
	moved := make([]calendar.Bucket, len(g.Buckets))
	for i, b := range g.before() {
		moved[i] = calendar.Bucket{Start: s.back(g.Zone, b.Start, false), End: s.back(g.Zone, b.End, true)}
	}
	return moved
}
