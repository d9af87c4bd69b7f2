package metric

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func wantField(t *testing.T, name string, err error, field string) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.BadUserInput || f.Field != field {
		t.Errorf("%s: %v, want BAD_USER_INPUT of %s", name, err, field)
	}
}

func is(kind DimensionKind, name string, operator Operator, values ...any) Filter {
	return Filter{Is: &Condition{Dimension{kind, name}, operator, values}}
}

func TestAWrongFilterNamesItsField(t *testing.T) {
	fine := is(ByType, "", Equals, "Opened")
	many := make([]any, 101)
	for i := range many {
		many[i] = "x"
	}
	deep := fine
	for range 8 {
		inner := deep
		deep = Filter{Not: &inner}
	}
	wide := Filter{And: make([]Filter, 51)}
	long := Filter{And: make([]Filter, 40)}
	for i := range wide.And {
		wide.And[i] = fine
	}
	for i := range long.And {
		long.And[i] = is(ByType, "", Equals, strings.Repeat("x", 1000))
	}
	for name, c := range map[string]struct {
		f     Filter
		field string
	}{
		"nothing at all":       {Filter{}, "filter"},
		"two things":           {Filter{Not: &fine, Is: fine.Is}, "filter"},
		"nothing in and":       {Filter{And: []Filter{}}, "filter"},
		"no values":            {Filter{And: []Filter{fine, is(ByType, "", Equals)}}, "filter.and[1].values"},
		"too many values":      {Filter{Or: []Filter{is(ByType, "", NotEquals, many...)}}, "filter.or[0].values"},
		"two to contain":       {is(ByType, "", Contains, "a", "b"), "filter.values"},
		"values of none":       {is(ByType, "", IsSet, "a"), "filter.values"},
		"a number to contain":  {is(ByProperty, "p", Contains, json.Number("1")), "filter.values"},
		"more than true":       {is(ByProperty, "p", GreaterThan, true), "filter.values"},
		"a number of any size": {is(ByProperty, "p", Equals, json.Number("1e1000")), "filter.values"},
		"a null":               {is(ByProperty, "p", Equals, nil), "filter.values"},
		"a NUL":                {is(ByProperty, "p", Equals, "a\x00b"), "filter.values"},
		"no text":              {is(ByProperty, "p", Equals, "\xff"), "filter.values"},
		"a long text":          {is(ByProperty, "p", Equals, strings.Repeat("x", 1001)), "filter.values"},
		"no name":              {Filter{Not: &Filter{Is: &Condition{Dimension{ByProperty, ""}, IsSet, nil}}}, "filter.not.dimension.name"},
		"a name too many":      {is(ByType, "p", IsSet), "filter.dimension.name"},
		"a name of nothing":    {is(ByProperty, "a\x00", IsSet), "filter.dimension.name"},
		"another's dimension":  {is(ByPlan, "", IsSet), "filter.dimension.kind"},
		"no operator":          {is(ByType, "", "LIKE", "x"), "filter.operator"},
		"too deep":             {deep, "filter"},
		"too many":             {wide, "filter"},
		"too long":             {long, "filter"},
	} {
		wantField(t, name, c.f.check(eventDimensions), c.field)
	}
	for _, f := range []*Filter{nil, &fine} {
		if err := f.check(eventDimensions); err != nil {
			t.Error(err)
		}
	}
}

func TestAWrongMeasureNamesItsField(t *testing.T) {
	for name, c := range map[string]struct {
		m     Measure
		field string
	}{
		"nothing":                {Measure{}, "aggregation"},
		"no property":            {Measure{Aggregation: Sum}, "property"},
		"a property too many":    {Measure{Aggregation: Count, Property: "p"}, "property"},
		"a property of nothing":  {Measure{Aggregation: Sum, Property: "a\x00"}, "property"},
		"no percentile":          {Measure{Aggregation: Percentile, Property: "p"}, "percentile"},
		"all of them":            {Measure{Aggregation: Percentile, Property: "p", Percentile: 1}, "percentile"},
		"a percentile too many":  {Measure{Aggregation: Sum, Property: "p", Percentile: 0.5}, "percentile"},
		"no types":               {Measure{Aggregation: Count, Types: []string{}}, "types"},
		"a type without a name":  {Measure{Aggregation: Count, Types: []string{"a", ""}}, "types[1]"},
		"a filter of what isn't": {Measure{Aggregation: Count, Filter: &Filter{}}, "filter"},
	} {
		wantField(t, name, c.m.Check(), c.field)
	}
}

// What only types decide is read from what is kept of them, and narrows what is read of events.
func TestWhereMeasuresAreReadFrom(t *testing.T) {
	opened := is(ByType, "", Equals, "Opened", "Shared")
	eu := is(ByProperty, "region", Equals, "EU")
	seen := func(g Grid) Grid { g.narrowed = true; return g }
	for name, c := range map[string]struct {
		m    Measure
		g    Grid
		want route
	}{
		"a count":                    {Measure{Aggregation: Count}, Grid{}, byRollup},
		"of types":                   {Measure{Aggregation: Count, Types: []string{"Opened"}}, Grid{Filter: &opened}, byRollup},
		"by type":                    {Measure{Aggregation: Count}, Grid{By: []Dimension{{Kind: ByType}}}, byRollup},
		"by type and source":         {Measure{Aggregation: Count}, Grid{By: []Dimension{{Kind: ByType}, {Kind: BySource}}}, byEvents},
		"of a region":                {Measure{Aggregation: Count}, Grid{Filter: &eu}, byEvents},
		"of its own region":          {Measure{Aggregation: Count, Filter: &eu}, Grid{}, byEvents},
		"a count for some eyes":      {Measure{Aggregation: Count}, seen(Grid{}), byEvents},
		"users":                      {Measure{Aggregation: UniqueUsers}, Grid{}, byPresence},
		"users of a type":            {Measure{Aggregation: UniqueUsers, Types: []string{"Opened"}}, Grid{}, byEvents},
		"users with a type's filter": {Measure{Aggregation: UniqueUsers}, Grid{Filter: &opened}, byEvents},
		"accounts":                   {Measure{Aggregation: UniqueAccounts}, Grid{}, byEvents},
	} {
		if got := c.m.route(c.g); got != c.want {
			t.Errorf("%s: by way %d, want %d", name, got, c.want)
		}
	}
	both := Filter{And: []Filter{opened, eu, {Or: []Filter{is(ByType, "", Equals, "Paid"), is(ByType, "", Equals, "Opened")}}}}
	p := planOf(&both, []string{"Opened", "Paid"})
	if len(p.types) != 1 || p.types[0] != "Opened" || p.properties == nil || strings.Contains(*p.properties, "Opened") {
		t.Errorf("taken apart: %+v", p)
	}
}

func TestEqualMeasuresHaveEqualNames(t *testing.T) {
	a := Measure{Aggregation: Count, Types: []string{"b", "a", "b"}}.Reader()
	b := Measure{Aggregation: Count, Types: []string{"a", "b"}}.Reader()
	c := Measure{Aggregation: UniqueUsers, Types: []string{"a", "b"}}.Reader()
	if a.Name != b.Name || a.Name == c.Name {
		t.Errorf("%q, %q and %q", a.Name, b.Name, c.Name)
	}
}
