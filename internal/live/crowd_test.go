package live

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whoever joins and leaves, in whatever order and however often they say so: the crowd is those
// who are in, each once, at their place.
func TestACrowdIsThoseWhoAreIn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var c crowd
		var in, out []*Subscription
		for _, join := range rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(r, "joins") {
			if join || len(in) == 0 {
				s := new(Subscription)
				c.join(s)
				in = append(in, s)
			} else {
				i := rapid.IntRange(0, len(in)-1).Draw(r, "who leaves")
				if !c.leave(in[i]) {
					r.Fatal("whoever is in cannot leave")
				}
				out = append(out, in[i])
				in = slices.Delete(in, i, i+1)
			}
			if slices.ContainsFunc(out, c.leave) {
				r.Fatal("somebody leaves twice")
			}
			if len(c) != len(in) {
				r.Fatalf("%d are there, want %d", len(c), len(in))
			}
			for _, s := range in {
				if c[s.place] != s {
					r.Fatal("somebody is not at their place")
				}
			}
		}
	})
}
