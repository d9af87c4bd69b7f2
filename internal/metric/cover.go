package metric

import (
	"slices"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// cover is how buckets are put together from what is kept: whole days of the tenant's
// zone, quarter hours of other days, and events where a range cuts a quarter hour. Each
// piece belongs to one bucket, and together the pieces of a bucket are the bucket. So a
// month of any zone costs about thirty days and two edges. Its lists are shared.
type cover struct {
	days  []piece // each exactly one day of the tenant's zone
	slots []piece // each within one day, from quarter hour to quarter hour
	raw   []piece // each shorter than a quarter hour

	// The buckets as they are, for what is counted from events alone.
	starts   []time.Time
	from, to time.Time

	home     calendar.Zone
	rawSince time.Time
}

// piece is a stretch of time that belongs to a bucket.
type piece struct {
	bucket     int
	start, end time.Time
	day        calendar.Date // in the tenant's zone; of a raw piece it is not set
	dayStart   time.Time
}

// cover is how the grid's buckets are put together, with their edges as they are.
func (g Grid) cover() cover { return g.layout().cover() }

// kept is the cover for what is counted from raw events at its edges.
func (g Grid) kept() cover { return g.layout().kept() }

func (g Grid) takeApart() cover {
	c := cover{home: g.home, rawSince: g.rawSince, from: g.From, to: g.To, starts: make([]time.Time, 0, len(g.Buckets))}
	for i, b := range g.Buckets {
		c.starts = append(c.starts, b.Start)
		if !g.narrowed {
			c.add(g.home, i, b.Start, b.End)
		}
	}
	return c
}

func (c *cover) add(home calendar.Zone, bucket int, start, end time.Time) {
	first, last := calendar.CeilSlot(start), calendar.FloorSlot(end)
	if first.After(last) { // within one quarter hour
		c.addRaw(bucket, start, end)
		return
	}
	c.addRaw(bucket, start, first)
	c.addRaw(bucket, last, end)
	for at := first; at.Before(last); {
		day := home.DateOf(at)
		dayStart, dayEnd := home.StartOf(day), home.StartOf(day+1)
		p := piece{bucket: bucket, start: at, end: dayEnd, day: day, dayStart: dayStart}
		if dayEnd.After(last) {
			p.end = last
		}
		if p.start.Equal(dayStart) && p.end.Equal(dayEnd) {
			c.days = append(c.days, p)
		} else {
			c.slots = append(c.slots, p)
		}
		at = p.end
	}
}

func (c *cover) addRaw(bucket int, start, end time.Time) {
	if start.Before(end) {
		c.raw = append(c.raw, piece{bucket: bucket, start: start, end: end})
	}
}

// kept is the cover without raw events that are in the archive: the quarter hour that an edge
// cuts is then taken whole, from its rollup.
func (c cover) kept() cover {
	if len(c.raw) == 0 {
		return c
	}
	k := c
	k.slots, k.raw = slices.Clone(c.slots), nil
	for _, p := range c.raw {
		slot := calendar.FloorSlot(p.start)
		if !slot.Before(c.rawSince) {
			k.raw = append(k.raw, p)
			continue
		}
		p.start, p.end, p.day = slot, slot.Add(calendar.Slot), c.home.DateOf(slot)
		p.dayStart = c.home.StartOf(p.day)
		k.slots = append(k.slots, p)
	}
	return k
}

func (c cover) empty() bool { return len(c.days)+len(c.slots)+len(c.raw) == 0 }

// mask marks the piece's quarter hours among its day's, as PostgreSQL writes a bit string.
func (p piece) mask() string {
	from := int(p.start.Sub(p.dayStart) / calendar.Slot)
	to := int(p.end.Sub(p.dayStart) / calendar.Slot)
	return strings.Repeat("0", from) + strings.Repeat("1", to-from) + strings.Repeat("0", calendar.SlotsPerDay-to)
}

// lists is a list of pieces as parallel lists, as the queries take them.
type lists struct {
	buckets      []int32
	days         []calendar.Date
	starts, ends []time.Time
}

func listsOf(pieces []piece) lists {
	l := lists{
		buckets: make([]int32, len(pieces)), days: make([]calendar.Date, len(pieces)),
		starts: make([]time.Time, len(pieces)), ends: make([]time.Time, len(pieces)),
	}
	for i, p := range pieces {
		l.buckets[i], l.days[i], l.starts[i], l.ends[i] = int32(p.bucket), p.day, p.start, p.end
	}
	return l
}

func masksOf(pieces []piece) []string {
	masks := make([]string, len(pieces))
	for i, p := range pieces {
		masks[i] = p.mask()
	}
	return masks
}

// rounds reports whether kept gives more than was asked for: a quarter hour whole, of which
// only a part belongs to a bucket.
func (c cover) rounds() bool {
	return slices.ContainsFunc(c.raw, func(p piece) bool { return calendar.FloorSlot(p.start).Before(c.rawSince) })
}
