package formula

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestFormulasAreWorkedOut(t *testing.T) {
	values := map[string]float64{"a": 12, "b": 4, "c": 0, "none": math.NaN(), "huge": math.MaxFloat64}
	for _, c := range []struct {
		text, canonical string
		want            float64 // NaN: no value
	}{
		{"a", "a", 12},
		{"1 + 2 * 3", "1 + 2 * 3", 7},
		{"(1 + 2) * 3", "(1 + 2) * 3", 9},
		{"a - b - 1", "a - b - 1", 7},
		{"a - (b - 1)", "a - (b - 1)", 9},
		{"a / b / 2", "a / b / 2", 1.5},
		{"a / (b / 2)", "a / (b / 2)", 6},
		{"((a)) /\n\tb", "a / b", 3},
		{"-a + b", "-a + b", -8},
		{"- - a", "--a", 12},
		{"-(a + b)", "-(a + b)", -16},
		{"a * -b", "a * -b", -48},
		{"100*a/b", "100 * a / b", 300},
		{"0.50 * a", "0.5 * a", 6},
		{"min(a, b, 3)", "min(a, b, 3)", 3},
		{"max(a)", "max(a)", 12},
		{"abs( b-a )", "abs(b - a)", 8},
		{"max(min(a, b), abs(-5)) - 1", "max(min(a, b), abs(-5)) - 1", 4},
		{"a / c", "a / c", math.NaN()},
		{"c / c", "c / c", math.NaN()},
		{"b / (a / c)", "b / (a / c)", math.NaN()},
		{"a + none", "a + none", math.NaN()},
		{"max(a, none)", "max(a, none)", math.NaN()},
		{"0 * none", "0 * none", math.NaN()},
		{"b / (huge * 2)", "b / (huge * 2)", math.NaN()},
		{"-c", "-c", 0},
	} {
		f, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var of []float64
		for _, name := range f.Names() {
			of = append(of, values[name])
		}
		got := f.Eval(of)
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) || got == 0 && math.Signbit(got) {
			t.Errorf("%s = %v, want %v", c.text, got, c.want)
		}
		if f.String() != c.canonical {
			t.Errorf("%s is written %s, want %s", c.text, f, c.canonical)
		}
	}
}

func TestWhatIsNoFormulaIsToldWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "At character 1: The formula ends where a number",
		"a +":                           "At character 4: The formula ends where a number",
		"a b":                           `At character 3: "b" stands where an operator`,
		"(a":                            "At character 3: The formula ends where a closing parenthesis",
		"a)":                            `At character 2: ")" stands where an operator`,
		"a / * b":                       `At character 5: "*" stands where a number`,
		"sum(a)":                        `At character 1: There is no function "sum"`,
		"abs(a, b)":                     `At character 6: "," stands where a closing parenthesis`,
		"min()":                         `At character 5: ")" stands where a number`,
		"max + 1":                       `At character 5: "+" stands where the parenthesis of max`,
		"1.2.3":                         `At character 1: "1.2.3" is not a number`,
		"99999999999999999999":          "At character 1: A number is at most 1000000000000000",
		"1.":                            `At character 1: "1." is not a number`,
		".5":                            `At character 1: "." stands where a number`,
		"A":                             `At character 1: "A" stands where a number`,
		"a; drop":                       `At character 2: ";" stands where an operator`,
		"a + é":                         "At character 5: This is nothing",
		"a\x00":                         "At character 2: This is nothing",
		"123456789012345678901":         "is not a number",
		strings.Repeat("(", 900):        "levels deep",
		strings.Repeat("-", 900) + "a":  "levels deep",
		strings.Repeat("abs(", 200):     "levels deep",
		strings.Repeat("a+", 300) + "a": "at most 200",
		strings.Repeat(" ", 1001):       "at most 1000 characters",
	} {
		_, err := Parse(text)
		f, ok := fault.Of(err)
		if !ok || f.Code != fault.BadUserInput || f.Field != "formula" || !strings.Contains(f.Message, want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func TestWhatAddsUp(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "a + b": true, "a - 2 * b / 3": true, "-(a + b) * 2": true, "(1 + 1) * a": true,
		"a + 1": false, "a * b": false, "a / b": false, "2 / a": false, "1": false, "min(a, b)": false, "abs(a)": false, "max(1, 2) * a": true,
	} {
		f, err := Parse(text)
		if err != nil || f.Adds() != want {
			t.Errorf("%s adds up: %t, %v", text, !want, err)
		}
	}
}

// The deepest formula that there can be finds room for all values that wait.
func TestTheDeepestFormulaHasRoom(t *testing.T) {
	text := "1"
	for range maxDepth {
		text = "min(1,1+1*" + text + ")"
	}
	f, err := Parse("1+1*" + text)
	if err != nil || f.Eval(nil) != 2 {
		t.Errorf("%v", err)
	}
	if _, err := Parse("min(1," + text + ")"); err == nil {
		t.Error("there is a deeper one")
	}
}

// tree is a random formula in Go's own terms: it writes itself with all parentheses, and works
// itself out the plain way.
type tree struct {
	text string
	of   func(map[string]float64) *float64
}

var binary = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b },
}

func trees(depth int) *rapid.Generator[tree] {
	return rapid.Custom(func(t *rapid.T) tree {
		if depth == 0 || rapid.Bool().Draw(t, "leaf") {
			return leaf(t)
		}
		a := trees(depth-1).Draw(t, "left")
		switch op := rapid.SampledFrom([]string{"+", "-", "*", "/", "neg", "min", "max", "abs"}).Draw(t, "operator"); op {
		case "neg":
			return tree{"(-" + a.text + ")", lift(a, a, func(x, _ float64) float64 { return -x })}
		case "abs":
			return tree{"abs(" + a.text + ")", lift(a, a, func(x, _ float64) float64 { return math.Abs(x) })}
		case "min", "max":
			b := trees(depth-1).Draw(t, "right")
			of := math.Min
			if op == "max" {
				of = math.Max
			}
			return tree{op + "(" + a.text + "," + b.text + ")", lift(a, b, of)}
		default:
			b := trees(depth-1).Draw(t, "right")
			return tree{"(" + a.text + op + b.text + ")", lift(a, b, binary[op])}
		}
	})
}

func leaf(t *rapid.T) tree {
	if rapid.Bool().Draw(t, "number") {
		text := rapid.SampledFrom([]string{"0", "1", "2", "0.25", "1000000"}).Draw(t, "of")
		v := map[string]float64{"0": 0, "1": 1, "2": 2, "0.25": 0.25, "1000000": 1e6}[text]
		return tree{text, func(map[string]float64) *float64 { return &v }}
	}
	name := rapid.SampledFrom([]string{"x", "y_1", "zz"}).Draw(t, "name")
	return tree{name, func(values map[string]float64) *float64 {
		v, ok := values[name]
		if !ok {
			return nil
		}
		return &v
	}}
}

// lift works on values that there are, and gives those that are numbers.
func lift(a, b tree, f func(x, y float64) float64) func(map[string]float64) *float64 {
	return func(values map[string]float64) *float64 {
		x, y := a.of(values), b.of(values)
		if x == nil || y == nil {
			return nil
		}
		v := f(*x, *y)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
}

// A formula gives what the plain way gives, and so does what it is written as.
func TestFormulasEqualThePlainWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := trees(5).Draw(t, "formula")
		values := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y_1", "zz"}), rapid.SampledFrom([]float64{0, 1, -3, 0.1, 7e9, 1e300}), 0, 3).Draw(t, "values")
		f, err := Parse(want.text)
		if err != nil {
			if strings.Contains(err.Error(), "at most") {
				t.Skip("too long")
			}
			t.Fatal(err)
		}
		again, err := Parse(f.String())
		if err != nil || again.String() != f.String() {
			t.Fatalf("%s is written %s, and that %v, %v", want.text, f, again, err)
		}
		for _, g := range []*Formula{f, again} {
			var of []float64
			for _, name := range g.Names() {
				v, ok := values[name]
				if !ok {
					v = math.NaN()
				}
				of = append(of, v)
			}
			got, plain := g.Eval(of), want.of(values)
			if plain == nil && !math.IsNaN(got) || plain != nil && got != *plain {
				t.Fatalf("%s of %v = %v, want %v", g, values, got, plain)
			}
		}
	})
}

// Whatever is sent is read or refused, in bounded time and by one fault.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a / b", "min(a, -2.5) * (c + 1)", "((((", "----a", "max(", "1e9", "é", "abs(abs(a))/0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		made, err := Parse(text)
		if err != nil {
			if told, ok := fault.Of(err); !ok || told.Field != "formula" || len(told.Message) > 300 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		values := make([]float64, len(made.Names()))
		first := made.Eval(values)
		again, err := Parse(made.String())
		if err != nil {
			if len(made.String()) > maxLength {
				return
			}
			t.Fatalf("%q is written %q: %v", text, made, err)
		}
		if second := again.Eval(make([]float64, len(again.Names()))); second != first && !(math.IsNaN(first) && math.IsNaN(second)) {
			t.Fatalf("%q: %v and %v", text, first, second)
		}
	})
}
