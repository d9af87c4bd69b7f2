package journey

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// ways writes each path of the plain rules: repeats left out, cut at a pause.
func ways(people [][]deed, from string, ask *PathAsk) map[string]int {
	found := map[string]int{"": 0}
	for _, deeds := range people {
		deeds = inOrder(deeds)
		if ask.Direction == Before {
			slices.Reverse(deeds)
		}
		for i, d := range deeds {
			if d.kind != from {
				continue
			}
			way := []string{}
			last := d
			for _, next := range deeds[i+1:] {
				pause := max(next.at-last.at, last.at-next.at)
				if pause >= ask.Pause.Microseconds() || len(way) == ask.Depth {
					break
				}
				if next.kind != last.kind {
					way = append(way, next.kind)
				}
				last = next
			}
			for n := range way {
				found[strings.Join(way[:n+1], ">")]++
			}
			found[""]++
		}
	}
	return found
}

// told writes the tree in the same form.
func told(tree *PathTree) map[string]int {
	found, names := map[string]int{"": tree.Count}, make([]string, len(tree.Nodes))
	for i, n := range tree.Nodes {
		names[i] = *n.Type
		if n.Parent != nil {
			names[i] = names[*n.Parent] + ">" + *n.Type
		}
		found[names[i]] = n.Count
	}
	return found
}

func TestPathsAgreeWithThePlainWords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		id := int64(0)
		one := rapid.Custom(func(rt *rapid.T) deed {
			id++
			return deed{rapid.Int64Range(0, 30).Draw(rt, "at") * 1_000_000, id, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "kind")}
		})
		people := rapid.SliceOfN(rapid.SliceOfN(one, 0, 12), 1, 3).Draw(rt, "people")
		ask := &PathAsk{
			Direction: rapid.SampledFrom(AllDirections()).Draw(rt, "direction"), Depth: rapid.IntRange(1, 4).Draw(rt, "depth"),
			Breadth: maxBreadth, Pause: time.Duration(rapid.IntRange(1, 6).Draw(rt, "pause")) * time.Second,
		}
		c := columnsOf(people...)
		w := metric.Window{From: time.UnixMicro(0), To: time.UnixMicro(1 << 50)}
		tree, err := ask.grow(t.Context(), c, history.Persons, typed(c, "a"), w)
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := fmt.Sprint(told(tree)), fmt.Sprint(ways(people, "a", ask)); got != want {
			rt.Fatalf("%+v of %v: got %s, want %s", ask, people, got, want)
		}
		for i, n := range tree.Nodes {
			on := n.Ended
			for _, m := range tree.Nodes {
				if m.Parent != nil && *m.Parent == i {
					on += m.Count
				}
			}
			if n.Step < ask.Depth && on != n.Count {
				rt.Fatalf("of %d at step %d, %d go on or end: %+v", n.Count, n.Step, on, tree.Nodes)
			}
		}
	})
}

// What is not among the most frequent is put together, and not followed.
func TestPathsAreAsBroadAsAsked(t *testing.T) {
	var deeds []deed
	for i, kind := range []string{"a", "b", "x", "a", "b", "y", "a", "c", "x", "a", "d", "x"} {
		deeds = append(deeds, deed{int64(i) * 1_000_000, int64(i), kind})
	}
	ask := &PathAsk{Direction: After, Depth: 2, Breadth: 1, Pause: time.Minute}
	c := columnsOf(deeds)
	tree, err := ask.grow(t.Context(), c, history.Persons, typed(c, "a"), metric.Window{From: time.UnixMicro(0), To: time.UnixMicro(1 << 50)})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range tree.Nodes {
		name := "others"
		if n.Type != nil {
			name = *n.Type
		}
		lines = append(lines, fmt.Sprintf("%d %s %d", n.Step, name, n.Count))
	}
	if got, want := strings.Join(lines, ", "), "1 b 2, 1 others 2, 2 x 1, 2 others 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
