package limit

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Three of five people come, and of their four friends each none, one and four: what was
// not there is not counted, nor what would have been below it.
func TestActualIsWhatCame(t *testing.T) {
	op, _ := operationOf(t, `{ people(first: 5) { nodes { friends(first: 4) { nodes { id } } } } }`, nil)
	estimate, problem := EstimateCost(op, nil)
	if problem != nil {
		t.Fatal(problem)
	}
	people := op.SelectionSet[0].(*ast.Field)
	friends := people.SelectionSet[0].(*ast.Field).SelectionSet[0].(*ast.Field)
	m := NewMeter(estimate, 100)
	if m.Requested() != 1+5*(1+1+4) || m.Actual() != m.Requested() {
		t.Errorf("before anything came: %d of %d", m.Actual(), m.Requested())
	}
	for field, lengths := range map[*ast.Field][]int{people: {3}, friends: {0, 1, 4}} {
		for _, n := range lengths {
			if err := m.Returned(field, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := 1 + (2 + 0) + (2 + 1) + (2 + 4); m.Actual() != want {
		t.Errorf("actual %d, want %d", m.Actual(), want)
	}
}

func TestItemsAreBoundedTogether(t *testing.T) {
	m := NewMeter(&Estimate{Total: 1}, 10)
	for range 2 {
		if err := m.Returned(nil, 5); err != nil {
			t.Fatal(err)
		}
	}
	if f, ok := fault.Of(m.Returned(nil, 1)); !ok || f.Code != fault.BadUserInput || f.Field != "first" {
		t.Errorf("the eleventh item: %v", f)
	}
	if f, ok := fault.Of(m.Full()); !ok || f.Field != "first" {
		t.Errorf("after them: %v, want it full", f)
	}
	if err := NewMeter(&Estimate{Total: 1}, 10).Full(); err != nil {
		t.Errorf("an empty one is full: %v", err)
	}
}

// A part counts for itself, so that it can be repeated, and for the whole, which bounds it.
func TestAPartCountsForTheWhole(t *testing.T) {
	m := NewMeter(&Estimate{Total: 1}, 10)
	one, other := m.Part(), m.Part()
	for _, part := range []*Meter{one, other} {
		if err := part.Returned(nil, 5); err != nil {
			t.Fatal(err)
		}
	}
	if one.Counts().items != 5 || m.Counts().items != 10 {
		t.Errorf("a part has %d items and the whole %d, want 5 and 10", one.Counts().items, m.Counts().items)
	}
	again := NewMeter(&Estimate{Total: 1}, 10)
	again.Repeat(one.Counts())
	again.Repeat(one.Counts())
	if again.Counts() != m.Counts() {
		t.Errorf("repeated it counts %v, and %v when it was worked out", again.Counts(), m.Counts())
	}
	if f, ok := fault.Of(other.Returned(nil, 1)); !ok || f.Code != fault.BadUserInput || one.Full() == nil || m.Full() == nil {
		t.Errorf("the eleventh item: %v", f)
	}
}

func TestWhatIsNotMeteredIsFree(t *testing.T) {
	var none *Meter
	if err := none.Returned(nil, 1e9); err != nil || none.Full() != nil || none.Part() != nil || MeterOf(t.Context()) != nil {
		t.Errorf("without a meter: %v", err)
	}
	m := NewMeter(&Estimate{Total: 1}, 10)
	if MeterOf(WithMeter(t.Context(), m)) != m {
		t.Error("the context has lost its meter")
	}
}
