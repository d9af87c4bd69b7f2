package limit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

var company = gqlparser.MustLoadSchema(&ast.Source{Input: `
	directive @cost(weight: Int, items: Int) on FIELD_DEFINITION
	directive @once on FIELD_DEFINITION
	type Query {
		me: Person
		name: String
		people(first: Int! = 20, after: String): People!
		some(first: Int): People!
		node: Node
		report: Report @cost(weight: 50)
		total: Int @cost(weight: 5)
	}
	interface Node { id: ID! }
	type Report implements Node { id: ID!  rows(first: Int! = 100): [Row!]!  columns: [Column!]! @cost(items: 3)  tags: [String!]! }
	type Row { name: String  columns: [Column!]! }
	type Column { name: String }
	type People { nodes: [Person!]!  edges: [PersonEdge!]!  pageInfo: PageInfo!  totalCount: Int! @cost(weight: 2) }
	type PersonEdge { cursor: String!  node: Person! }
	type PageInfo { hasNextPage: Boolean! }
	type Person implements Node { id: ID!  boss: Person  friends(first: Int! = 10): People! }
	type Mutation { signIn(code: String): Person @once  signOut: Boolean @once  rename: Person  dear: Int @cost(weight: 70) }
	type Subscription { live: Live! }
	type Live { query: Query! }
`})

// operationOf reads a document's first operation, and what its variables come to.
func operationOf(t fataler, text string, values map[string]any) (*ast.OperationDefinition, map[string]any) {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(company, text, rules.NewDefaultRules())
	if errs != nil {
		t.Fatalf("%s: %v", text, errs)
	}
	variables, err := validator.VariableValues(company, doc.Operations[0], values)
	if err != nil && err.(*gqlerror.Error) != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Operations[0], variables
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func TestCosts(t *testing.T) {
	const names = `nodes { id }`
	for _, c := range []struct {
		name, query string
		want        int
	}{
		{"a scalar", `{ name }`, 1},
		{"an object", `{ me { id } }`, 1},
		{"objects in each other", `{ me { boss { boss { id } } } }`, 3},
		{"aliases", `{ a: me { id } b: me { id } c: me { id } }`, 3},
		{"a list of the default length", `{ people { ` + names + ` } }`, 1 + 20},
		{"a list of five", `{ people(first: 5) { ` + names + ` } }`, 1 + 5},
		{"a list that nobody looks into", `{ people(first: 1000) { pageInfo { hasNextPage } } }`, 1},
		{"a count of it", `{ people(first: 1000) { totalCount } }`, 1 + 2},
		{"edges", `{ people(first: 5) { edges { cursor node { id } } } }`, 1 + 5},
		{"edges without their nodes", `{ people(first: 5) { edges { cursor } } }`, 1},
		{"edges and nodes", `{ people(first: 5) { edges { node { id } } ` + names + ` } }`, 1 + 5 + 5},
		{"lists in lists", `{ people(first: 5) { nodes { friends(first: 4) { ` + names + ` } } } }`, 1 + 5*(1+1+4)},
		{"a hundred of a hundred of a hundred", `{ people(first: 100) { nodes { friends(first: 100) { nodes { friends(first: 100) { ` + names + ` } } } } } }`,
			1 + 100*(1+1+100*(1+1+100))},
		{"a list without a default", `{ some { ` + names + ` } }`, 1 + 10},
		{"a list by a fragment", `{ people(first: 5) { ...F } some(first: 7) { ...F } } fragment F on People { nodes { ...P } } fragment P on Person { boss { id } }`, 1 + 5*2 + 1 + 7*2},
		{"an inline fragment", `{ people(first: 5) { ... { ` + names + ` } } }`, 1 + 5},
		{"either type of a node", `{ node { ... on Person { boss { id } } ... on Report { columns { name } } } }`, 1 + 1 + 3},
		{"a weight", `{ report { id } }`, 50},
		{"a dear scalar", `{ total }`, 5},
		{"a list with a length of its own", `{ report { rows { name } } }`, 50 + 100},
		{"objects in such a list", `{ report { rows(first: 2) { columns { name } } } }`, 50 + 2*(1+10)},
		{"a list of a known length", `{ report { columns { name } } }`, 50 + 3},
		{"a list of scalars", `{ report { tags } }`, 50},
		{"a mutation", `mutation { rename { id } }`, 10},
		{"a dear mutation", `mutation { dear rename { boss { id } } }`, 70 + 10 + 1},
		{"a live query", `subscription { live { query { people(first: 5) { ` + names + ` } } } }`, 2 + 1 + 5},
		{"type names", `{ __typename me { __typename } }`, 1},
		{"introspection", `{ __schema { types { name fields { name } } } me { id } }`, 100 + 1},
		{"what is left out", `{ me @skip(if: true) { id } people @include(if: false) { ` + names + ` } ... @skip(if: true) { me { id } } name }`, 1},
		{"what is left in", `{ me @skip(if: false) { id } ... @include(if: true) { me { id } } }`, 2},
	} {
		op, variables := operationOf(t, c.query, nil)
		got, problem := EstimateCost(op, variables)
		if problem != nil || got.Total != c.want || !got.Fixed {
			t.Errorf("%s: %+v %v, want %d, whatever the variables", c.name, got, problem, c.want)
		}
	}
}

func TestCostsDependOnVariables(t *testing.T) {
	const of = ` { people(first: $n) { nodes { id } } }`
	for _, c := range []struct {
		name, query string
		values      map[string]any
		want        int
	}{
		{"given", `query ($n: Int!)` + of, map[string]any{"n": json.Number("7")}, 1 + 7},
		{"its default", `query ($n: Int! = 3)` + of, nil, 1 + 3},
		{"not given: the field's default", `query ($n: Int)` + of, nil, 1 + 20},
		{"null where that is allowed", `query ($n: Int) { some(first: $n) { nodes { id } } }`, map[string]any{"n": nil}, 1 + 10},
		{"in a fragment", `query ($n: Int!) { ...F } fragment F on Query { people(first: $n) { nodes { id } } }`, map[string]any{"n": json.Number("7")}, 1 + 7},
		{"what is skipped", `query ($n: Int!, $no: Boolean!) { people(first: $n) @skip(if: $no) { nodes { id } } me { id } }`,
			map[string]any{"n": json.Number("7"), "no": true}, 1},
	} {
		op, variables := operationOf(t, c.query, c.values)
		got, problem := EstimateCost(op, variables)
		if problem != nil || got.Total != c.want || got.Fixed {
			t.Errorf("%s: %+v %v, want %d, depending on variables", c.name, got, problem, c.want)
		}
	}
}

// Bad lengths are found wherever they stand, and named.
func TestLengthsOutOfRange(t *testing.T) {
	for _, n := range []string{"0", "-1", "1001", "2147483647", "2147483648", "-2147483649", "9223372036854775807"} {
		queries := []string{
			`{ people(first: ` + n + `) { totalCount } }`,
			`{ me { friends { nodes { friends(first: ` + n + `) { pageInfo { hasNextPage } } } } } }`,
			`{ me { ...F } } fragment F on Person { friends(first: ` + n + `) { totalCount } }`,
			`subscription { live { query { report { rows(first: ` + n + `) { name } } } } }`,
		}
		for _, query := range queries {
			op, variables := operationOf(t, query, nil)
			wantFirst(t, query, op, variables)
		}
		if len(n) < 19 { // coercion refuses the greater ones before
			op, variables := operationOf(t, `query ($n: Int!) { people(first: $n) { totalCount } }`, map[string]any{"n": json.Number(n)})
			wantFirst(t, "a variable of "+n, op, variables)
		}
	}
	op, _ := operationOf(t, `query ($n: Int) { people(first: $n) { totalCount } }`, nil)
	for _, value := range []any{nil, "5", 1.5, 1e300} {
		wantFirst(t, fmt.Sprint("a variable of ", value), op, map[string]any{"n": value})
	}
}

func wantFirst(t *testing.T, what string, op *ast.OperationDefinition, variables map[string]any) {
	t.Helper()
	estimate, problem := EstimateCost(op, variables)
	if estimate != nil || problem == nil || problem.Code != fault.BadUserInput || problem.Field != "first" || problem.At == nil {
		t.Errorf("%s: %+v, %v", what, estimate, problem)
	}
}

// Sixty lines that double, and thirty that multiply by a thousand, end at the ceiling.
func TestCostsSaturate(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{ me { ...F0 } }`)
	for i := range 60 {
		fmt.Fprintf(&text, " fragment F%d on Person { boss { ...F%d } friends(first: 1000) { nodes { ...F%d } } }", i, i+1, i+1)
	}
	text.WriteString(" fragment F60 on Person { id }")
	op, _ := operationOf(t, text.String(), nil)
	if got, problem := EstimateCost(op, nil); problem != nil || got.Total != most {
		t.Errorf("%+v, %v; want the ceiling", got, problem)
	}
}

// Working each fragment out once comes to the same as writing them all out and going
// through every item.
func TestCostEqualsARecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := randomDocument(t)
		op, variables := operationOf(t, text, nil)
		got, problem := EstimateCost(op, variables)
		if want := max(1, recount(op.SelectionSet, 1)); problem != nil || got.Total != want {
			t.Fatalf("%s\ncosts %+v %v, recounted %d", text, got, problem, want)
		}
	})
}

// recount goes through every item of every list. length is that of the list whose page the
// selections are of.
func recount(selections ast.SelectionSet, length int) (total int) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.InlineFragment:
			total += recount(s.SelectionSet, length)
		case *ast.FragmentSpread:
			total += recount(s.Definition.SelectionSet, length)
		case *ast.Field:
			total += recountField(s, length)
		}
	}
	return total
}

func recountField(f *ast.Field, length int) (total int) {
	first := 0
	if a := f.Arguments.ForName("first"); a != nil {
		_, _ = fmt.Sscan(a.Value.Raw, &first)
	}
	switch f.Name {
	case "id", "name", "cursor", "__typename":
		return 0
	case "edges":
		for range length {
			total += recount(f.SelectionSet, 1)
		}
	case "nodes":
		for range length {
			total += 1 + recount(f.SelectionSet, 1)
		}
	case "rows":
		for range first {
			total += 1 + recount(f.SelectionSet, 1)
		}
	case "columns": // of a row
		for range 10 {
			total += 1 + recount(f.SelectionSet, 1)
		}
	case "people", "friends":
		total = 1 + recount(f.SelectionSet, first)
	case "report":
		total = 50 + recount(f.SelectionSet, 1)
	default: // me, boss, node
		total = 1 + recount(f.SelectionSet, 1)
	}
	return total
}

// randomDocument has three fragments, of which each may spread those after it.
func randomDocument(t *rapid.T) string {
	var text strings.Builder
	text.WriteString("query " + randomSet(t, "Query", 3, 0))
	for i := 1; i <= 3; i++ {
		for _, on := range []string{"Person", "People"} {
			fmt.Fprintf(&text, " fragment %s%d on %s %s", on, i, on, randomSet(t, on, 2, i))
		}
	}
	// Fragments nobody uses are not valid.
	text.WriteString(" fragment All on Query { me { ...Person1 ...Person2 ...Person3 friends(first: 1) { ...People1 ...People2 ...People3 } } }")
	return strings.Replace(text.String(), "query {", "query { ...All", 1)
}

func randomSet(t *rapid.T, on string, depth, fragment int) string {
	fields := map[string][]string{
		"Query": {"me Person", "people People", "report Report"}, "Person": {"boss Person", "friends People"},
		"People": {"nodes Person", "edges PersonEdge"}, "PersonEdge": {"node Person"},
		"Report": {"rows Row"}, "Row": {"columns Column"},
	}[on]
	simplest := map[string]string{"People": "nodes { id }", "PersonEdge": "cursor", "Query": "name: __typename", "Row": "id: name", "Column": "id: name"}[on]
	if simplest == "" {
		simplest = "id"
	}
	set := "{ " + simplest
	for i := range rapid.IntRange(0, 3).Draw(t, "selections") {
		if last := 3; fragment < last && (on == "Person" || on == "People") && rapid.IntRange(0, 3).Draw(t, "spread") == 0 {
			set += fmt.Sprintf(" ...%s%d", on, rapid.IntRange(fragment+1, last).Draw(t, "which"))
			continue
		}
		if depth == 0 || len(fields) == 0 {
			continue
		}
		name, of, _ := strings.Cut(rapid.SampledFrom(fields).Draw(t, "field"), " ")
		alias := fmt.Sprintf("f%d%d%d_%s", fragment, depth, i, rapid.StringMatching("[a-z]{6}").Draw(t, "alias"))
		argument := ""
		if of == "People" || name == "rows" {
			argument = fmt.Sprintf("(first: %d)", rapid.IntRange(1, 4).Draw(t, "first"))
		}
		set += fmt.Sprintf(" %s: %s%s %s", alias, name, argument, randomSet(t, of, depth-1, fragment))
	}
	return set + " }"
}
