package graph

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph/generated"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func ourRulebook() *rulebook {
	return newRulebook(generated.NewExecutableSchema(generated.Config{}).Schema())
}

// operation makes a document's only operation, valid against the schema.
func operation(t *testing.T, schema *ast.Schema, document string) *ast.OperationDefinition {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	if errs != nil {
		t.Fatalf("%s: %v", document, errs)
	}
	return doc.Operations[0]
}

func TestWhatAnOperationTakes(t *testing.T) {
	book := ourRulebook()
	cases := []struct {
		document string
		known    bool
		do       []access.Permission
	}{
		{`{ __typename }`, false, nil},
		{`{ __schema { types { name } } }`, true, nil},
		{`{ tenant { name } }`, true, []access.Permission{access.Read}},
		{`{ metric(key: "events") { key } }`, true, []access.Permission{access.ReadMetrics}},
		{`{ events { list { nodes { type } } } }`, true, []access.Permission{access.Read}},
		{`{ events { list { nodes { context } } } }`, true, []access.Permission{access.Read, access.ReadPII}},
		{`{ events { ...f } metrics { ...g } } fragment f on Events { count } fragment g on MetricConnection { nodes { key } }`,
			true, []access.Permission{access.Read, access.ReadMetrics}},
		{`{ node(id: "x") { ... on Identity { value } } }`, true, []access.Permission{access.Read, access.ReadPII}[1:]},
		{`subscription { live { query { eventTypes { totalCount } } } }`, true, []access.Permission{access.ReadMetrics, access.ReadSchema}},
		{`mutation { mergePeople(from: "a", into: "b", reason: "c") { id } }`, true, []access.Permission{access.ManageData, access.ReadPII}},
	}
	for _, c := range cases {
		got := book.needOf(operation(t, book.schema, c.document))
		if want := access.Of(c.do...); got.known != c.known || got.do != want {
			t.Errorf("%s takes %v (known: %v), want %v (%v)", c.document, got.do.List(), got.known, c.do, c.known)
		}
	}
}

// The id of a node may be that of any type: it takes what any of them takes.
func TestAnInterfacesFieldTakesWhatAnyOfItsTypesTakes(t *testing.T) {
	book := ourRulebook()
	got := book.needOf(operation(t, book.schema, `{ node(id: "x") { id } }`))
	for _, behind := range book.schema.GetPossibleTypes(book.schema.Types["Node"]) {
		if want := book.rules[behind.Name+".id"].do; !got.do.Contains(want) {
			t.Errorf("it does not take %v of %s", want.List(), behind.Name)
		}
	}
}

// A field that nobody has given a rule is nobody's.
func TestAFieldWithoutARuleIsNobodys(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @can(do: String) on FIELD_DEFINITION | OBJECT
		type Query { forgotten: Int guarded: Int @can(do: "READ") any: Int @can open: Int @public }
		directive @public on FIELD_DEFINITION`})
	book := newRulebook(schema)
	everything := access.Of(access.AllPermissions()...)
	for field, may := range map[string]bool{"forgotten": false, "guarded": true, "any": true, "open": true} {
		r := book.rules["Query."+field]
		if everything.Contains(r.do) != may {
			t.Errorf("%s may be asked for: %v", field, !may)
		}
		if r.public != (field == "open") {
			t.Errorf("%s is public: %v", field, r.public)
		}
	}
}

// plainly adds up what a selection takes without remembering fragments.
func plainly(b *rulebook, selections ast.SelectionSet, n *need) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			for _, behind := range b.schema.GetPossibleTypes(s.ObjectDefinition) {
				r := b.rules[behind.Name+"."+s.Name]
				n.do |= r.do
				n.known = n.known || !r.public && !strings.HasPrefix(s.Name, "__")
			}
			plainly(b, s.SelectionSet, n)
		case *ast.InlineFragment:
			plainly(b, s.SelectionSet, n)
		case *ast.FragmentSpread:
			plainly(b, s.Definition.SelectionSet, n)
		}
	}
}

// randomSelection picks fields of a type at random, some by fragments.
func randomSelection(schema *ast.Schema, of *ast.Definition, depth int, dice *rand.Rand) string {
	var text strings.Builder
	text.WriteString("{ __typename")
	for _, field := range of.Fields {
		kind := schema.Types[field.Type.Name()]
		if strings.HasPrefix(field.Name, "__") || dice.IntN(3) > 0 || requires(field) {
			continue
		}
		text.WriteString(" " + field.Name)
		switch {
		case kind.IsLeafType():
		case depth == 0:
			text.WriteString(" { __typename }")
		default:
			text.WriteString(" " + randomSelection(schema, kind, depth-1, dice))
		}
	}
	if of.Kind == ast.Object && dice.IntN(4) == 0 && of.Name == "Query" {
		text.WriteString(" ...shared ...shared")
	}
	return text.String() + " }"
}

func requires(field *ast.FieldDefinition) bool {
	for _, argument := range field.Arguments {
		if argument.Type.NonNull && argument.DefaultValue == nil {
			return true
		}
	}
	return false
}

func TestWhatIsRememberedEqualsAPlainWalk(t *testing.T) {
	book := ourRulebook()
	dice := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		document := "query " + randomSelection(book.schema, book.schema.Query, 4, dice)
		if strings.Contains(document, "...shared") {
			document += " fragment shared on Query " + strings.ReplaceAll(randomSelection(book.schema, book.schema.Query, 3, dice), " ...shared ...shared", "")
		}
		op := operation(t, book.schema, document)
		var want need
		plainly(book, op.SelectionSet, &want)
		for range 2 { // worked out, then remembered
			if got := book.needOf(op); got.do != want.do || got.known != want.known {
				t.Fatalf("%s\ntakes %v, %v; want %v, %v", document, got.do.List(), got.known, want.do.List(), want.known)
			}
		}
	}
}

// resolved resolves one field for somebody, and tells whether it was reached.
func resolved(permit Permit, who access.Principal, hidden *notices, object, field string) (value any, reached bool, err error) {
	ctx := graphql.WithFieldContext(context.Background(), &graphql.FieldContext{
		Object: object, Field: graphql.CollectedField{Field: &ast.Field{Name: field, Alias: "alias"}},
	})
	through := permit.restrict(who, hidden, func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) })
	value, err = through(ctx, func(context.Context) (any, error) {
		reached = true
		return "value", nil
	})
	return value, reached, err
}

func TestWhatOneMayNotHaveIsRefusedOrHidden(t *testing.T) {
	var denied []string
	book, hidden := Permit{ourRulebook(), func(_ context.Context, _ access.Principal, field string) { denied = append(denied, field) }, nil}, &notices{}
	viewer := access.Principal{Permissions: access.Viewer.Permissions()}
	if value, reached, err := resolved(book, viewer, hidden, "Event", "type"); value != "value" || !reached || err != nil {
		t.Errorf("what is allowed gives %v, %v, %v", value, reached, err)
	}
	if value, reached, err := resolved(book, viewer, hidden, "Event", "context"); value != nil || reached || err != nil {
		t.Errorf("what is hidden gives %v, %v, %v", value, reached, err)
	}
	_, reached, err := resolved(book, viewer, hidden, "EventType", "volume")
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Forbidden || reached {
		t.Errorf("what is refused gives %v, %v", reached, err)
	}
	if denied != nil {
		t.Errorf("questions are noted as denied: %v", denied)
	}
	_, reached, err = resolved(book, viewer, hidden, "Mutation", "erasePerson")
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Forbidden || reached || !cmp.Equal(denied, []string{"erasePerson"}) {
		t.Errorf("a change that is refused gives %v, %v, and notes %v", reached, err, denied)
	}
	want := []Notice{{Code: "HIDDEN", Group: "PII", Path: []string{"alias"}}}
	if diff := cmp.Diff(want, hidden.list()); diff != "" {
		t.Error(diff)
	}
}

// Notices come in one order and once a place, whoever was first.
func TestNoticesAreInOrder(t *testing.T) {
	n := &notices{}
	for _, i := range []int{2, 0, 1} {
		n.add("PII", ast.Path{ast.PathName("list"), ast.PathIndex(i), ast.PathName("b")})
		n.add("REVENUE", ast.Path{ast.PathName("list"), ast.PathIndex(i), ast.PathName("a")})
	}
	want := []Notice{{"HIDDEN", "REVENUE", []string{"list", "a"}}, {"HIDDEN", "PII", []string{"list", "b"}}}
	if diff := cmp.Diff(want, n.list()); diff != "" {
		t.Error(diff)
	}
}
