package journey

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Direction is where paths lead from an event.
type Direction string

// The directions, as in the schema's enum PathDirection.
const (
	After  Direction = "AFTER"
	Before Direction = "BEFORE"
)

// AllDirections lists the directions in the order of the schema.
func AllDirections() []Direction { return []Direction{After, Before} }

// PathAsk asks which ways lead on from an event, or to it.
type PathAsk struct {
	metric.Ask // its range says which events paths begin with
	Unit       Unit
	From       Events
	Direction  Direction
	Depth      int           // steps
	Breadth    int           // ways that are told apart at each step
	Pause      time.Duration // which ends a path
}

// The bounds of paths.
const (
	maxDepth   = 5
	maxBreadth = 20
	maxNodes   = 5_000
	maxPause   = 30 * 24 * time.Hour
)

// PathTree are the most frequent ways. A node comes after the one that it leads on from.
type PathTree struct {
	Provenance
	Count int // how many paths begin
	Nodes []PathNode
}

// PathNode is a step of paths that are alike so far.
type PathNode struct {
	Step   int     // from 1 on
	Parent *int    // the place of the step before among the nodes; nil: the event itself
	Type   *string // nil: all other types
	Count  int
	Ended  int // how many of them end here: nothing follows before a pause
}

func (a *PathAsk) check(shot metric.Snapshot) error {
	switch {
	case !slices.Contains(AllDirections(), a.Direction):
		return fault.Input("direction", "There is no such direction.")
	case a.Depth < 1 || a.Depth > maxDepth:
		return fault.Input("depth", "Between 1 and %d are allowed.", maxDepth)
	case a.Breadth < 1 || a.Breadth > maxBreadth:
		return fault.Input("breadth", "Between 1 and %d are allowed.", maxBreadth)
	case a.Pause < time.Second || a.Pause > maxPause:
		return fault.Input("within", "Between a second and %d days are allowed.", maxPause/day)
	}
	return shot.CheckEvents("event", a.From.Types, a.From.Filter)
}

// Paths tells which ways lead on from an event, or to it.
func (s *Service) Paths(ctx context.Context, ask PathAsk) (tree *PathTree, err error) {
	err = s.snapshot(ctx, func(shot metric.Snapshot) error {
		if err := ask.check(shot); err != nil {
			return err
		}
		w, err := shot.Window(ask.Ask)
		if err != nil {
			return err
		}
		return s.play(ctx, shot, ask.Unit, []Events{ask.From}, nil, func(sc *scene) error {
			m, err := sc.matcher(ctx, ask.From)
			if err != nil {
				return err
			}
			ask.noteLife(ctx, w)
			w.NoteUntil(ctx, w.To)
			if tree, err = ask.grow(ctx, sc.columns, sc.kind, m, w); err == nil {
				tree.Provenance = provenance(w, w.Whole(w.From))
			}
			return err
		})
	})
	return tree, err
}

// noteLife says until when events matter. What is repeated counts once, so the step after a start
// may come at any time, as long as there is no pause; the one before it has come.
func (a *PathAsk) noteLife(ctx context.Context, w metric.Window) {
	if a.Direction == Before {
		w.NoteLife(ctx, w.To)
		return
	}
	w.NoteEver(ctx)
}

// grower finds the ways, step by step: those that are not told apart at one step are not followed
// to the next.
type grower struct {
	*PathAsk
	from, to int64
	match    *matchers
	columns  *history.Columns
	unit     history.Unit
	tree     *PathTree
	children []map[uint16]int // of each node, and first of the event itself: the node of each type
}

func (a *PathAsk) grow(ctx context.Context, c *history.Columns, unit history.Unit, of Matcher, w metric.Window) (*PathTree, error) {
	g := &grower{
		PathAsk: a, from: w.From.UnixMicro(), to: w.To.UnixMicro(), match: newMatchers(len(c.TypeNames()), []Matcher{of}),
		columns: c, unit: unit, tree: &PathTree{}, children: []map[uint16]int{{}},
	}
	for step := 1; step <= a.Depth; step++ {
		if err := g.step(ctx, step); err != nil {
			return nil, err
		}
	}
	return g.tree, nil
}

// tally counts, of each node that paths have come to, where they go on.
type tally struct {
	begun int
	next  map[int]map[uint16]int // by the node's place and 1, and type
	ended map[int]int
}

// step tells apart where paths go with one more step.
func (g *grower) step(ctx context.Context, step int) error {
	tallies := make([]tally, history.Workers())
	for i := range tallies {
		tallies[i] = tally{next: map[int]map[uint16]int{}, ended: map[int]int{}}
	}
	err := g.columns.Each(ctx, g.unit, func(n int, h *history.History) { g.follow(h, step, &tallies[n]) })
	if err != nil {
		return err
	}
	all := tallies[0]
	for _, t := range tallies[1:] {
		all.add(t)
	}
	if step == 1 {
		g.tree.Count = all.begun
	}
	for node, n := range all.ended {
		if node > 0 {
			g.tree.Nodes[node-1].Ended += n
		}
	}
	for node := range len(g.children) { // in their order, to which more are added
		g.branch(step, node, all.next[node])
	}
	return nil
}

func (t *tally) add(other tally) {
	t.begun += other.begun
	for node, n := range other.ended {
		t.ended[node] += n
	}
	for node, types := range other.next {
		for kind, n := range types {
			t.count(node, kind, n)
		}
	}
}

func (t *tally) count(node int, kind uint16, n int) {
	if t.next[node] == nil {
		t.next[node] = map[uint16]int{}
	}
	t.next[node][kind] += n
}

// branch adds the most frequent types as nodes, and all others as one that is not followed.
func (g *grower) branch(step, node int, types map[uint16]int) {
	names := g.columns.TypeNames()
	kinds := make([]uint16, 0, len(types))
	for kind := range types {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b uint16) int {
		return cmp.Or(cmp.Compare(types[b], types[a]), cmp.Compare(names[a], names[b]))
	})
	var parent *int
	if node > 0 {
		parent = new(node - 1)
	}
	others := 0
	for i, kind := range kinds {
		if i >= g.Breadth || len(g.tree.Nodes) >= maxNodes {
			others += types[kind]
			continue
		}
		g.tree.Nodes = append(g.tree.Nodes, PathNode{Step: step, Parent: parent, Type: &names[kind], Count: types[kind]})
		g.children = append(g.children, map[uint16]int{})
		g.children[node][kind] = len(g.tree.Nodes)
	}
	if others > 0 {
		g.tree.Nodes = append(g.tree.Nodes, PathNode{Step: step, Parent: parent, Count: others})
		g.children = append(g.children, nil)
	}
}

// follow takes every path of a history until it has so many steps.
func (g *grower) follow(h *history.History, steps int, t *tally) {
	for i, at := range h.At {
		if at < g.from || at >= g.to || g.match.of(h, i) == 0 {
			continue
		}
		t.begun++
		g.walk(h, i, steps, t)
	}
}

func (g *grower) walk(h *history.History, at, steps int, t *tally) {
	node := 0
	for step := 1; ; step++ {
		next, ok := g.next(h, at)
		if !ok {
			if step == steps { // told once, where it is found first
				t.ended[node]++
			}
			return
		}
		kind := h.Type[next]
		if step == steps {
			t.count(node, kind, 1)
			return
		}
		if node, ok = g.children[node][kind]; !ok {
			return
		}
		at = next
	}
}

// next is the event to which a path leads from another one: of another type than that, since what
// is repeated counts once, and with no pause between. False: it ends.
func (g *grower) next(h *history.History, at int) (int, bool) {
	way := 1
	if g.Direction == Before {
		way = -1
	}
	for i := at + way; i >= 0 && i < len(h.At); i += way {
		if apart := h.At[i] - h.At[i-way]; apart*int64(way) >= g.Pause.Microseconds() {
			return 0, false
		}
		if h.Type[i] != h.Type[at] {
			return i, true
		}
	}
	return 0, false
}
