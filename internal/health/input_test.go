package health_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
	. "github.com/tidemarkhq/tidemark/internal/health"
)

func TestCheckInputs(t *testing.T) {
	good := Input{Key: "use", Name: "Use", Kind: Events, Weight: 2, Worst: 0, Best: 50, Days: 30}
	trait := Input{Key: "nps", Name: "NPS", Kind: Trait, Weight: 1, Worst: -100, Best: 100, Trait: "survey.nps", StaleAfter: 180}
	with := func(in Input, change func(*Input)) Input {
		change(&in)
		return in
	}
	twenty := make([]Input, 21)
	for _, c := range []struct {
		name   string
		inputs []Input
		field  string // of the fault; empty: there is none
	}{
		{"good ones", []Input{good, trait}, ""},
		{"less is better", []Input{with(good, func(in *Input) { in.Worst, in.Best = 30, 0 })}, ""},
		{"of types", []Input{with(good, func(in *Input) { in.Types = []string{"Opened"} })}, ""},
		{"none", nil, "inputs"},
		{"too many", twenty, "inputs"},
		{"a key of its own form", []Input{with(good, func(in *Input) { in.Key = "Use it" })}, "inputs[0].key"},
		{"a key twice", []Input{good, with(trait, func(in *Input) { in.Key = "use" })}, "inputs[1].key"},
		{"no name", []Input{with(good, func(in *Input) { in.Name = "" })}, "inputs[0].name"},
		{"a long name", []Input{with(good, func(in *Input) { in.Name = strings.Repeat("ä", 101) })}, "inputs[0].name"},
		{"another kind", []Input{with(good, func(in *Input) { in.Kind = "MOOD" })}, "inputs[0].kind"},
		{"no weight", []Input{with(good, func(in *Input) { in.Weight = 0 })}, "inputs[0].weight"},
		{"a weight that is no number", []Input{with(good, func(in *Input) { in.Weight = math.NaN() })}, "inputs[0].weight"},
		{"a limit that is none", []Input{with(good, func(in *Input) { in.Worst = math.Inf(-1) })}, "inputs[0].worst"},
		{"a limit that is no number", []Input{with(good, func(in *Input) { in.Best = math.NaN() })}, "inputs[0].best"},
		{"limits that are one", []Input{with(good, func(in *Input) { in.Worst = 50 })}, "inputs[0].best"},
		{"no window", []Input{with(good, func(in *Input) { in.Days = 0 })}, "inputs[0].days"},
		{"too long a window", []Input{with(good, func(in *Input) { in.Days = 91 })}, "inputs[0].days"},
		{"a window of what has none", []Input{with(trait, func(in *Input) { in.Days = 5 })}, "inputs[0].days"},
		{"types of what has none", []Input{with(trait, func(in *Input) { in.Types = []string{"x"} })}, "inputs[0].types"},
		{"features of nothing", []Input{with(good, func(in *Input) { in.Kind = Features })}, "inputs[0].types"},
		{"no types", []Input{with(good, func(in *Input) { in.Types = []string{} })}, "inputs[0].types"},
		{"a type twice", []Input{with(good, func(in *Input) { in.Types = []string{"x", "x"} })}, "inputs[0].types[1]"},
		{"a type without a name", []Input{with(good, func(in *Input) { in.Types = []string{"x", ""} })}, "inputs[0].types[1]"},
		{"a trait of what reads none", []Input{with(good, func(in *Input) { in.Trait = "nps" })}, "inputs[0].trait"},
		{"no trait", []Input{with(trait, func(in *Input) { in.Trait = "" })}, "inputs[0].trait"},
		{"an age of what has none", []Input{with(good, func(in *Input) { in.StaleAfter = 5 })}, "inputs[0].staleAfterDays"},
		{"an age below 0", []Input{with(trait, func(in *Input) { in.StaleAfter = -1 })}, "inputs[0].staleAfterDays"},
	} {
		err := CheckInputs("inputs", c.inputs)
		f, _ := errors.AsType[*fault.Error](err)
		if (c.field == "") != (err == nil) || c.field != "" && (f == nil || f.Field != c.field || f.Code != fault.BadUserInput) {
			t.Errorf("%s: %v, want a fault of %q", c.name, err, c.field)
		}
	}
}
