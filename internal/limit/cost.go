package limit

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// What things cost, where the schema's @cost does not say otherwise. The unit is an object
// that may be in the answer; scalars come with their object. The ideas are those of the
// GraphQL Cost Directives specification (https://ibm.github.io/graphql-specs/cost-spec.html),
// of lists that are counted by what is asked for, before anything is executed.
const (
	objectCost        = 1
	mutationCost      = 10  // a field that changes something
	introspectionCost = 100 // of __schema or __type, whatever is below: the schema is in memory
	assumedItems      = 10  // of a list whose length no argument says
)

// MaxFirst is how many items any list gives at most; many give fewer.
const MaxFirst = 1_000

// Estimate is what an operation may cost at most.
type Estimate struct {
	Total int  // 1 at least; saturates
	Fixed bool // holds whatever the variables are
	pages map[*ast.Field]page
}

// page is a list with a bound on its length, as a document asks for it.
type page struct {
	first int
	each  int // what an item costs, with all below it
}

// Problem is what is wrong with an operation, and where.
type Problem struct {
	*fault.Error
	At *ast.Position
}

// EstimateCost works the cost of a valid operation out, each fragment once. Variables are
// coerced ones. A list that asks for less than one item, or for more than MaxFirst, is a
// problem.
func EstimateCost(operation *ast.OperationDefinition, variables map[string]any) (*Estimate, *Problem) {
	c := coster{variables: variables, known: map[*ast.FragmentDefinition]sum{}, pages: map[*ast.Field]page{}}
	total := c.set(operation.SelectionSet)
	if c.problem != nil {
		return nil, c.problem
	}
	return &Estimate{Total: max(1, total.flat(assumedItems)), Fixed: !c.varies, pages: c.pages}, nil
}

// sum is what a selection set costs: once, and again for each item of the list that it is a
// page of. Keeping the two apart lets a fragment be worked out once for lists of any length.
type sum struct{ once, each int }

func (s sum) flat(items int) int { return saturate(s.once + saturate(items*s.each)) }

type coster struct {
	variables map[string]any
	known     map[*ast.FragmentDefinition]sum
	pages     map[*ast.Field]page
	varies    bool
	problem   *Problem
}

func (c *coster) set(selections ast.SelectionSet) (total sum) {
	for _, selection := range selections {
		part := c.selection(selection)
		total.once = saturate(total.once + part.once)
		total.each = saturate(total.each + part.each)
	}
	return total
}

func (c *coster) selection(selection ast.Selection) sum {
	switch s := selection.(type) {
	case *ast.Field:
		if c.included(s.Directives) {
			return c.field(s)
		}
	case *ast.InlineFragment:
		if c.included(s.Directives) {
			return c.set(s.SelectionSet)
		}
	case *ast.FragmentSpread:
		if c.included(s.Directives) {
			return c.fragment(s.Definition)
		}
	}
	return sum{}
}

func (c *coster) fragment(f *ast.FragmentDefinition) sum {
	if s, known := c.known[f]; known || f == nil {
		return s
	}
	c.known[f] = c.set(f.SelectionSet)
	return c.known[f]
}

// field adds up a field and what is below it. A connection's `nodes` and `edges` are as
// long as the field above them says; other lists have a `first` of their own, or a length
// that the schema guesses.
func (c *coster) field(f *ast.Field) sum {
	if strings.HasPrefix(f.Name, "__") {
		return introspection(f)
	}
	below, weight := c.set(f.SelectionSet), weightOf(f)
	first, paged := c.first(f)
	each := saturate(weight + below.flat(assumedItems))
	isList := f.Definition.Type.Elem != nil && len(f.SelectionSet) > 0
	switch {
	case paged && isList:
		c.pages[f] = page{first, each}
		return sum{once: saturate(first * each)}
	case paged:
		c.pages[f] = page{first, below.each}
		return sum{once: saturate(weight + below.flat(first))}
	case isList && (f.Name == "nodes" || f.Name == "edges"):
		return sum{each: each}
	case isList:
		return sum{once: saturate(itemsOf(f) * each)}
	}
	return sum{once: each}
}

func introspection(f *ast.Field) sum {
	if f.Name == "__typename" {
		return sum{}
	}
	return sum{once: introspectionCost}
}

// weightOf is what the field itself costs. A connection's edges and page info are only
// wrapping.
func weightOf(f *ast.Field) int {
	if weight, ok := costArgument(f, "weight"); ok {
		return weight
	}
	switch {
	case f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Mutation":
		return mutationCost
	case len(f.SelectionSet) == 0, f.Name == "edges", f.Definition.Type.Name() == "PageInfo":
		return 0
	}
	return objectCost
}

func itemsOf(f *ast.Field) int {
	if items, ok := costArgument(f, "items"); ok {
		return items
	}
	return assumedItems
}

// costArgument reads an argument of the schema's @cost.
func costArgument(f *ast.Field, name string) (value int, ok bool) {
	directive := f.Definition.Directives.ForName("cost")
	if directive == nil {
		return 0, false
	}
	argument := directive.Arguments.ForName(name)
	if argument == nil {
		return 0, false
	}
	value, err := strconv.Atoi(argument.Value.Raw)
	return value, err == nil
}

// first is how many items a field asks for; paged is whether it can say so.
func (c *coster) first(f *ast.Field) (items int, paged bool) {
	defined := f.Definition.Arguments.ForName("first")
	if defined == nil {
		return 0, false
	}
	var value any
	argument := f.Arguments.ForName("first")
	switch {
	case argument != nil && argument.Value.Kind == ast.Variable:
		c.varies = true
		var given bool
		if value, given = c.variables[argument.Value.Raw]; !given {
			value = rawOf(defined.DefaultValue)
		}
	case argument != nil:
		value = rawOf(argument.Value)
	default:
		value = rawOf(defined.DefaultValue)
	}
	if value == nil && !defined.Type.NonNull {
		return itemsOf(f), true
	}
	n, ok := integer(value)
	if !ok || n < 1 || n > MaxFirst {
		c.refuse(f, fault.Input("first", "Between 1 and %d are allowed.", MaxFirst))
		return 1, true
	}
	return int(n), true
}

func (c *coster) refuse(f *ast.Field, why *fault.Error) {
	if c.problem == nil {
		c.problem = &Problem{why, f.Position}
	}
}

// rawOf is a value that stands in a document or the schema.
func rawOf(v *ast.Value) any {
	if v == nil || v.Kind == ast.NullValue {
		return nil
	}
	return json.Number(v.Raw)
}

// integer reads a number of whatever type a variable or a document has it in.
func integer(value any) (n int64, ok bool) {
	switch v := value.(type) {
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < most
	}
	return 0, false
}

// included reports whether @skip and @include let a selection stand.
func (c *coster) included(directives ast.DirectiveList) bool {
	return len(directives) == 0 || !c.holds(directives.ForName("skip"), false) && c.holds(directives.ForName("include"), true)
}

// holds reads a directive's condition; what cannot be read counts as let stand.
func (c *coster) holds(directive *ast.Directive, otherwise bool) bool {
	if directive == nil {
		return otherwise
	}
	condition := directive.Arguments.ForName("if")
	if condition == nil {
		return otherwise
	}
	c.varies = c.varies || condition.Value.Kind == ast.Variable
	value, err := condition.Value.Value(c.variables)
	if held, ok := value.(bool); ok && err == nil {
		return held
	}
	return otherwise
}
