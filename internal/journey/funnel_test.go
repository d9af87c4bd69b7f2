package journey

import (
	"context"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/history"
)

// deed is an event of a history, as the plain rules of the tests read it.
type deed struct {
	at   int64
	id   int64
	kind string
}

// inOrder puts deeds as they count: by instant, and among equal ones by arrival.
func inOrder(deeds []deed) []deed {
	sorted := slices.Clone(deeds)
	slices.SortStableFunc(sorted, func(a, b deed) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return int(a.id - b.id)
	})
	return sorted
}

// columnsOf makes columns of one person's deeds, who has two ids, and is one of three.
func columnsOf(people ...[]deed) *history.Columns {
	var events []history.Event
	for p, deeds := range people {
		for i, d := range deeds {
			events = append(events, history.Event{
				ID: d.id, At: d.at, Type: d.kind, Identity: int64(10*p + 1 + i%2), Person: int64(10*p + 1), Account: int64(i % 3),
			})
		}
	}
	return history.Of(events)
}

func typed(c *history.Columns, kinds ...string) Matcher {
	m := Matcher{Types: []uint16{}}
	for _, k := range kinds {
		if code, ok := c.TypeCode(k); ok {
			m.Types = append(m.Types, code)
		}
	}
	return m
}

// plan is a funnel in the plain words of the tests.
type plan struct {
	steps      [][]string
	order      Order
	window     int64
	from, to   int64
	exclusions []plainExclusion
}

type plainExclusion struct {
	kind     string
	from, to int
}

// found is how far somebody came, and by which deeds.
type found struct {
	entered bool
	removed bool
	ids     []int64
}

// walkPlainly tries everything: of each entry all ways to take the steps, of which the furthest
// counts, and of these the one whose deeds come first.
func (p plan) walkPlainly(deeds []deed) found {
	deeds = inOrder(deeds)
	var best []int
	for e, d := range deeds {
		if d.at < p.from || d.at >= p.to {
			continue
		}
		way := p.attempt(deeds, e)
		if len(way) == 0 {
			continue
		}
		if p.meetsExclusion(deeds, way) {
			return found{removed: true}
		}
		if len(way) > len(best) {
			best = way
		}
	}
	f := found{entered: len(best) > 0}
	for _, i := range best {
		f.ids = append(f.ids, deeds[i].id)
	}
	return f
}

func (p plan) serves(d deed, step int) bool { return slices.Contains(p.steps[step], d.kind) }

// attempt is the best way from an entry on.
func (p plan) attempt(deeds []deed, entry int) []int {
	if p.order == Any {
		return p.attemptAny(deeds, entry)
	}
	if !p.serves(deeds[entry], 0) {
		return nil
	}
	best := []int{entry}
	var walk func(way []int)
	walk = func(way []int) {
		if len(way) > len(best) || len(way) == len(best) && slices.Compare(way, best) < 0 {
			best = slices.Clone(way)
		}
		if len(way) == len(p.steps) {
			return
		}
		last := way[len(way)-1]
		for i := last + 1; i < len(deeds); i++ {
			if p.order == Strict && i > last+1 {
				return
			}
			if deeds[i].at-deeds[entry].at < p.window && p.serves(deeds[i], len(way)) {
				walk(append(slices.Clone(way), i))
			}
		}
	}
	walk(best)
	return best
}

// attemptAny goes through all ways to give the steps deeds of the window: the deed by which one
// more step is taken than could be before it is the one that takes it.
func (p plan) attemptAny(deeds []deed, entry int) (way []int) {
	if p.most(deeds[entry:entry+1], 0) == 0 {
		return nil
	}
	for i := entry; i < len(deeds) && deeds[i].at-deeds[entry].at < p.window; i++ {
		if p.most(deeds[entry:i+1], 0) > len(way) {
			way = append(way, i)
		}
	}
	return way
}

// most is how many steps from one on can be given deeds of their own.
func (p plan) most(deeds []deed, step int) int {
	if step == len(p.steps) {
		return 0
	}
	best := p.most(deeds, step+1)
	for i, d := range deeds {
		if p.serves(d, step) {
			others := append(slices.Clone(deeds[:i]), deeds[i+1:]...)
			best = max(best, 1+p.most(others, step+1))
		}
	}
	return best
}

func (p plan) meetsExclusion(deeds []deed, way []int) bool {
	for _, x := range p.exclusions {
		if len(way) <= x.from {
			continue
		}
		for i := way[x.from] + 1; i < len(deeds); i++ {
			if len(way) > x.to && i >= way[x.to] || deeds[i].at-deeds[way[0]].at >= p.window {
				break
			}
			if deeds[i].kind == x.kind {
				return true
			}
		}
	}
	return false
}

func (p plan) funnel(c *history.Columns) *Funnel {
	f := &Funnel{Order: p.order, Window: p.window, From: p.from, To: p.to}
	for _, kinds := range p.steps {
		f.Steps = append(f.Steps, typed(c, kinds...))
	}
	for _, x := range p.exclusions {
		f.Exclusions = append(f.Exclusions, Exclusion{typed(c, x.kind), x.from, x.to})
	}
	return f
}

// walk is what the funnel itself finds, by person.
func (p plan) walk(c *history.Columns) map[int64]found {
	all := map[int64]found{}
	var mu sync.Mutex
	err := p.funnel(c).Run(context.Background(), c, history.Persons, func(_ int, a *Attempt) {
		f := found{entered: true}
		for k := range a.Reached {
			f.ids = append(f.ids, c.ID(a.Rows[k]))
		}
		mu.Lock()
		defer mu.Unlock()
		all[a.Unit] = f
	})
	if err != nil {
		panic(err)
	}
	return all
}

func TestFunnelsAgreeWithTryingEverything(t *testing.T) {
	kinds := []string{"a", "b", "c", "x"}
	rapid.Check(t, func(t *rapid.T) {
		p := plan{
			order:  rapid.SampledFrom([]Order{Sequential, Strict, Any}).Draw(t, "order"),
			window: rapid.Int64Range(1, 12).Draw(t, "window"),
			from:   rapid.Int64Range(0, 5).Draw(t, "from"),
		}
		p.to = p.from + rapid.Int64Range(1, 20).Draw(t, "length")
		p.steps = rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, 3, rapid.ID), 2, 4).Draw(t, "steps")
		if rapid.Bool().Draw(t, "exclude") {
			from := rapid.IntRange(0, len(p.steps)-2).Draw(t, "after")
			p.exclusions = []plainExclusion{{"x", from, rapid.IntRange(from+1, len(p.steps)-1).Draw(t, "before")}}
		}
		id := int64(0)
		one := rapid.Custom(func(t *rapid.T) deed {
			id++
			return deed{rapid.Int64Range(0, 25).Draw(t, "at"), id, rapid.SampledFrom(kinds).Draw(t, "kind")}
		})
		people := rapid.SliceOfN(rapid.SliceOfN(one, 0, 9), 1, 3).Draw(t, "people")
		c := columnsOf(people...)
		got := p.walk(c)
		for i, deeds := range people {
			want := p.walkPlainly(deeds)
			if g := got[int64(10*i+1)]; g.entered != want.entered || !slices.Equal(g.ids, want.ids) {
				t.Fatalf("%+v of %+v: got %+v, want %+v", p, inOrder(deeds), g, want)
			}
		}
	})
}

func TestFunnelRules(t *testing.T) {
	steps := [][]string{{"a"}, {"b"}, {"c"}}
	for name, test := range map[string]struct {
		plan  plan
		deeds []deed
		want  []int64 // the deeds that count; nil: not in the funnel
	}{
		"others may lie between":             {plan{steps: steps, order: Sequential, window: 10, to: 100}, []deed{{1, 1, "a"}, {2, 2, "x"}, {3, 3, "b"}, {4, 4, "c"}}, []int64{1, 3, 4}},
		"none may":                           {plan{steps: steps, order: Strict, window: 10, to: 100}, []deed{{1, 1, "a"}, {2, 2, "x"}, {3, 3, "b"}, {4, 4, "c"}}, []int64{1}},
		"any order":                          {plan{steps: steps, order: Any, window: 10, to: 100}, []deed{{1, 1, "c"}, {2, 2, "a"}, {3, 3, "b"}}, []int64{1, 2, 3}},
		"one event serves one step":          {plan{steps: [][]string{{"a"}, {"a"}}, order: Any, window: 10, to: 100}, []deed{{1, 1, "a"}}, []int64{1}},
		"the window is half-open":            {plan{steps: steps, order: Sequential, window: 10, to: 100}, []deed{{1, 1, "a"}, {10, 2, "b"}, {11, 3, "c"}}, []int64{1, 2}},
		"the range gates the first step":     {plan{steps: steps, order: Sequential, window: 10, to: 2}, []deed{{1, 1, "a"}, {5, 2, "b"}}, []int64{1, 2}},
		"who enters too late":                {plan{steps: steps, order: Sequential, window: 10, to: 2}, []deed{{2, 1, "a"}, {5, 2, "b"}}, nil},
		"the furthest counts":                {plan{steps: steps, order: Sequential, window: 5, to: 100}, []deed{{1, 1, "a"}, {2, 2, "b"}, {20, 3, "a"}, {21, 4, "b"}, {22, 5, "c"}}, []int64{3, 4, 5}},
		"the earliest among equals":          {plan{steps: steps, order: Sequential, window: 5, to: 100}, []deed{{1, 1, "a"}, {2, 2, "b"}, {20, 3, "a"}, {21, 4, "b"}}, []int64{1, 2}},
		"equal instants in order of arrival": {plan{steps: steps, order: Sequential, window: 5, to: 100}, []deed{{1, 2, "a"}, {1, 1, "b"}}, []int64{2}},
		"an exclusion removes": {
			plan{steps: steps, order: Sequential, window: 5, to: 100, exclusions: []plainExclusion{{"x", 0, 1}}},
			[]deed{{1, 1, "a"}, {2, 2, "x"}, {3, 3, "b"}, {20, 4, "a"}, {21, 5, "b"}, {22, 6, "c"}}, nil,
		},
		"an exclusion elsewhere does not": {
			plan{steps: steps, order: Sequential, window: 5, to: 100, exclusions: []plainExclusion{{"x", 0, 1}}},
			[]deed{{1, 1, "a"}, {2, 2, "b"}, {3, 3, "x"}, {4, 4, "c"}}, []int64{1, 2, 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.plan.walk(columnsOf(test.deeds))[1].ids; !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if got := test.plan.walkPlainly(test.deeds).ids; !slices.Equal(got, test.want) {
				t.Errorf("tried everything: got %v, want %v", got, test.want)
			}
		})
	}
}
