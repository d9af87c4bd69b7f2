package journey

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/history"
)

// comeAndGo counts by the words of the definition.
func comeAndGo(people [][]deed, kind string, buckets []calendar.Bucket) (counts [phases][]int) {
	for p := range counts {
		counts[p] = make([]int, len(buckets))
	}
	active := func(deeds []deed, from, to time.Time) bool {
		for _, d := range deeds {
			if at := time.UnixMicro(d.at); d.kind == kind && !at.Before(from) && at.Before(to) {
				return true
			}
		}
		return false
	}
	for i := 1; i < len(buckets); i++ {
		for _, deeds := range people {
			now := active(deeds, buckets[i].Start, buckets[i].End)
			before := active(deeds, buckets[i-1].Start, buckets[i-1].End)
			ever := active(deeds, time.Time{}, buckets[i].Start)
			switch {
			case now && !ever:
				counts[isNew][i]++
			case now && before:
				counts[isReturning][i]++
			case now:
				counts[isResurrecting][i]++
			case before:
				counts[isDormant][i]++
			}
		}
	}
	return counts
}

func TestLifecyclesAgreeWithThePlainWords(t *testing.T) {
	base := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		var buckets []calendar.Bucket
		first := base.AddDate(0, 0, rapid.IntRange(0, 10).Draw(rt, "first"))
		for n := range rapid.IntRange(2, 12).Draw(rt, "buckets") {
			buckets = append(buckets, calendar.Bucket{Start: first.AddDate(0, 0, n), End: first.AddDate(0, 0, n+1)})
		}
		id := int64(0)
		one := rapid.Custom(func(rt *rapid.T) deed {
			id++
			at := base.Add(time.Duration(rapid.IntRange(0, 25*4).Draw(rt, "quarter day")) * 6 * time.Hour)
			return deed{at.UnixMicro(), id, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "kind")}
		})
		people := rapid.SliceOfN(rapid.SliceOfN(one, 0, 10), 1, 5).Draw(rt, "people")
		c := columnsOf(people...)
		got, err := lifecycle(t.Context(), c, history.Persons, typed(c, "a"), buckets)
		if err != nil {
			rt.Fatal(err)
		}
		want := comeAndGo(people, "a", buckets)
		for p := range got { // the first bucket is what the second is told against
			if g, w := fmt.Sprint(got[p][1:]), fmt.Sprint(want[p][1:]); g != w {
				rt.Fatalf("phase %d of %v: got %s, want %s", p, people, g, w)
			}
		}
	})
}
