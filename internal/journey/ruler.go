package journey

import (
	"sort"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// ruler tells the number of the bucket that an instant lies in, for buckets in a row. Buckets
// begin on a quarter hour, nearly always: so the quarter hour tells, by a table. It is only read, by
// any number of workers.
type ruler struct {
	edges []int64 // the start of each bucket, and the end of the last; microseconds
	slots []int32 // by quarter hour from the first edge on; -1: an edge lies within it
}

// slot is a quarter hour, in microseconds.
const slot = 900_000_000

func newRuler(buckets []calendar.Bucket) *ruler {
	r := &ruler{}
	for i, b := range buckets {
		if i == 0 {
			r.edges = append(r.edges, b.Start.UnixMicro())
		}
		r.edges = append(r.edges, b.End.UnixMicro())
	}
	if len(buckets) == 0 {
		return r
	}
	first, last := r.edges[0], r.edges[len(r.edges)-1]
	r.slots = make([]int32, (last-first+slot-1)/slot)
	at := 0
	for i := range r.slots {
		from := first + int64(i)*slot
		for r.edges[at+1] <= from {
			at++
		}
		r.slots[i] = int32(at) //nolint:gosec // a few thousand
		if r.edges[at+1] < from+slot && at+2 < len(r.edges) {
			r.slots[i] = -1
		}
	}
	return r
}

// bucket is the number of an instant's bucket; false: it lies in none.
func (r *ruler) bucket(at int64) (int, bool) {
	if len(r.edges) == 0 || at < r.edges[0] || at >= r.edges[len(r.edges)-1] {
		return 0, false
	}
	if n := r.slots[(at-r.edges[0])/slot]; n >= 0 {
		return int(n), true
	}
	return sort.Search(len(r.edges), func(i int) bool { return r.edges[i] > at }) - 1, true
}

func (r *ruler) len() int { return max(0, len(r.edges)-1) }
