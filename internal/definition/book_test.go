package definition

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// ours are metrics as a catalog has them: one of two columns, one of money, one that is personal.
func ours() *metric.Catalog {
	reader := func(name string, columns ...string) *metric.Reader {
		return &metric.Reader{Name: name, Columns: columns, Adds: columns, Dimensions: []metric.DimensionKind{metric.ByType, metric.ByAccount}}
	}
	shares, plain, money := reader("shares", "part", "whole"), reader("plain", "n"), reader("money", "n")
	money.Dimensions = []metric.DimensionKind{metric.ByAccount, metric.ByPlan}
	return metric.NewCatalog([]*metric.Definition{
		{Key: "share", Permission: access.ReadMetrics, Needs: []metric.Column{{Reader: shares, Name: "part"}, {Reader: shares, Name: "whole"}},
			Calc: func(c []float64) *float64 { return metric.Ratio(c[0], c[1]) }},
		{Key: "plain", Permission: access.ReadMetrics, Additive: true, Needs: []metric.Column{{Reader: plain, Name: "n"}}},
		{Key: "money", Permission: access.ReadRevenue, Additive: true, Unit: metric.UnitMoney, Needs: []metric.Column{{Reader: money, Name: "n"}}},
		{Key: "people", Permission: access.ReadPII, Needs: []metric.Column{{Reader: plain, Name: "n"}}},
	})
}

func bookOf(t testing.TB, formulas map[string]string) book {
	t.Helper()
	b := book{ours(), map[string]*entry{}}
	for key, text := range formulas {
		if _, err := b.put(key, Draft{Name: key, Formula: &text}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestAFormulaIsWhatItsPartsAre(t *testing.T) {
	b := bookOf(t, map[string]string{
		"twice": "2 * plain", "sum": "twice + plain", "worth": "money / sum", "none": "share * 100", "mixed": "worth + people", "again": "twice + twice",
	})
	for key, want := range map[string]struct {
		permission access.Permission
		additive   bool
		parts      string
		dimensions int
	}{
		"twice": {access.ReadMetrics, true, "plain", 2},
		"sum":   {access.ReadMetrics, true, "plain", 2},
		"again": {access.ReadMetrics, true, "plain", 2},
		"worth": {access.ReadRevenue, false, "money plain", 1},
		"none":  {access.ReadMetrics, false, "share", 2},
	} {
		d, err := b.define(key)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, p := range d.Parts {
			parts = append(parts, p.Key)
		}
		if d.Permission != want.permission || d.Additive != want.additive || strings.Join(parts, " ") != want.parts || len(d.Dimensions()) != want.dimensions {
			t.Errorf("%s: %s, adds %t, of %v by %v", key, d.Permission, d.Additive, parts, d.Dimensions())
		}
	}
	if _, err := b.define("mixed"); err == nil || !strings.Contains(err.Error(), "READ_PII") {
		t.Errorf("what takes two permissions: %v", err)
	}
}

// graph is a book in the plainest form: of each metric what it is the sum of.
type graph map[string][]string

// value works a metric out by asking all it is made of, as often as they come; false: it is made
// of itself.
func (g graph) value(key string, above []string) (float64, bool) {
	if key == "plain" {
		return 3, true
	}
	if slices.Contains(above, key) {
		return 0, false
	}
	sum := 0.0
	for _, part := range g[key] {
		v, ok := g.value(part, append(above, key))
		if !ok {
			return 0, false
		}
		sum += v
	}
	return sum, true
}

// However formulas are made of each other, they give the sum of what they are made of, and none
// if one of them is made of itself, along a path that is told.
func TestBooksEqualThePlainWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, formulas := graph{}, map[string]string{}
		keys := []string{"a", "b", "c", "d", "e", "f"}
		for i, key := range keys {
			from := append([]string{"plain"}, keys[:i]...)
			if rapid.IntRange(0, 9).Draw(rt, "wild") == 0 {
				from = keys
			}
			g[key] = rapid.SliceOfN(rapid.SampledFrom(from), 1, 4).Draw(rt, key)
			formulas[key] = strings.Join(g[key], " + ")
		}
		b := bookOf(t, formulas)
		for _, key := range keys {
			d, err := b.define(key)
			want, ok := g.value(key, nil)
			if !ok {
				wantCircle(rt, g, err)
				continue
			}
			if err != nil {
				rt.Fatalf("%s of %v: %v", key, g, err)
			}
			if got := d.Calc([]float64{3}); got == nil || *got != want {
				rt.Fatalf("%s of %v = %v, want %v", key, g, got, want)
			}
		}
	})
}

// wantCircle follows the path that a fault tells: each is made of the next, and the last is the
// first again.
func wantCircle(t *rapid.T, g graph, err error) {
	f, _ := fault.Of(err)
	_, told, found := strings.Cut(f.Message, "itself: ")
	path := strings.Split(strings.TrimSuffix(told, "."), " -> ")
	if f.Field != "input.formula" || !found || path[0] != path[len(path)-1] || len(path) < 2 {
		t.Fatalf("%v: %v", g, err)
	}
	for i := range path[1:] {
		if !slices.Contains(g[path[i]], path[i+1]) {
			t.Fatalf("%v: %v", g, err)
		}
	}
}

// A diamond on a diamond is worked out in as many steps as it has parts, and what has too many
// parts or levels is refused.
func TestBooksAreBounded(t *testing.T) {
	formulas := map[string]string{"l0": "plain", "r0": "plain * 1"}
	for i := 1; i < maxLevels; i++ {
		formulas[fmt.Sprint("l", i)] = fmt.Sprintf("l%d + r%d", i-1, i-1)
		formulas[fmt.Sprint("r", i)] = fmt.Sprintf("r%d + l%d", i-1, i-1)
	}
	b := bookOf(t, formulas)
	d, err := b.define(fmt.Sprint("l", maxLevels-1))
	if err != nil {
		t.Fatal(err)
	}
	if v := d.Calc([]float64{1}); *v != math.Pow(2, maxLevels-1) {
		t.Errorf("the top of the diamonds is %v", *v)
	}
	var wide []string
	for i := range maxParts - 1 {
		key := fmt.Sprintf("w%d", i)
		formulas[key], wide = "plain * 2", append(wide, key)
	}
	formulas["deep"], formulas["wide"] = fmt.Sprintf("l%d", maxLevels-1), strings.Join(wide, "+")
	b = bookOf(t, formulas)
	for _, key := range []string{"deep", "wide"} {
		if _, err := b.define(key); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestDependentsAreAllThatAreMadeOfIt(t *testing.T) {
	b := bookOf(t, map[string]string{"a": "plain", "b": "a + 1 * share", "c": "b + a", "d": "plain", "e": "c"})
	if got := b.dependents("a"); !slices.Equal(got, []string{"b", "c", "e"}) {
		t.Errorf("of a: %v", got)
	}
	if got := b.madeOf("a"); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("by name: %v", got)
	}
}

func filters(depth int) *rapid.Generator[metric.Filter] {
	return rapid.Custom(func(t *rapid.T) metric.Filter {
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if depth == 0 {
			kind = 3
		}
		some := rapid.SliceOfN(filters(max(depth-1, 0)), 1, 3)
		switch kind {
		case 0:
			return metric.Filter{And: some.Draw(t, "and")}
		case 1:
			return metric.Filter{Or: some.Draw(t, "or")}
		case 2:
			f := filters(depth-1).Draw(t, "not")
			return metric.Filter{Not: &f}
		}
		values := []any{"text", `quo"te`, json.Number("1.50"), json.Number("123456789012345678901"), true, false}
		return metric.Filter{Is: &metric.Condition{
			Dimension: metric.Dimension{Kind: metric.ByProperty, Name: rapid.SampledFrom([]string{"p", "a.b", "é"}).Draw(t, "name")},
			Operator:  metric.Equals, Values: rapid.SliceOfN(rapid.SampledFrom(values), 1, 3).Draw(t, "values"),
		}}
	})
}

// What is kept is what was given, to the digit.
func TestDraftsAreKeptAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters(3).Draw(t, "filter")
		want := Draft{Name: "n", Description: rapid.String().Draw(t, "description"), Unit: metric.UnitNumber, Direction: metric.UpIsGood,
			Events: &metric.Measure{Types: []string{"A", "B"}, Filter: &f, Aggregation: metric.Percentile, Property: "p.q", Percentile: 0.999}}
		text, err := want.write()
		if err != nil {
			t.Fatal(err)
		}
		got, err := readDraft(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n%+v\n%v", text, got, err)
		}
	})
}
