package graph

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

func schemaOf(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: SDL()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// isList reports whether a field gives objects: as a list, or as the nodes of a connection.
func isList(s *ast.Schema, f *ast.FieldDefinition) bool {
	of := s.Types[f.Type.Name()]
	return of.IsCompositeType() && (f.Type.Elem != nil || of.Fields.ForName("nodes") != nil)
}

// Whoever adds a list that can be asked for by its length has it counted, and says a default
// that is within the bounds of all lists.
func TestEveryPageIsCounted(t *testing.T) {
	s := schemaOf(t)
	for _, definition := range s.Types {
		for _, field := range definition.Fields {
			name := definition.Name + "." + field.Name
			first, marked := field.Arguments.ForName("first"), field.Directives.ForName("page") != nil
			if definition.BuiltIn || first == nil {
				if marked {
					t.Errorf("%s is marked @page, and has no first", name)
				}
				continue
			}
			if marked != isList(s, field) {
				t.Errorf("%s: marked @page: %v, want it for lists of objects and them alone", name, marked)
			}
			if first.DefaultValue == nil || first.Type.Name() != "Int" {
				t.Errorf("%s(first) has no default", name)
			}
		}
	}
}

// A mark at a place where nobody looks for it would be forgotten.
func TestOnceStandsOnRootFields(t *testing.T) {
	s := schemaOf(t)
	for _, definition := range s.Types {
		for _, field := range definition.Fields {
			if field.Directives.ForName("once") != nil && definition != s.Mutation && definition != s.Query {
				t.Errorf("%s.%s is marked @once, and stands at no root", definition.Name, field.Name)
			}
		}
	}
}

func TestPagesHaveALength(t *testing.T) {
	for want, pages := range map[int][]any{
		0: {nil, (*model.MetricConnection)(nil), &model.MetricConnection{}, []registry.EventProperty{}},
		2: {&model.ArchivePartConnection{Nodes: make([]model.ArchivePart, 2)}, []registry.EventProperty{{}, {}}},
	} {
		for _, page := range pages {
			if got := lengthOf(page); got != want {
				t.Errorf("%T has %d items, want %d", page, got, want)
			}
		}
	}
}

// What people do with dashboards is well within the bounds; what nobody could read is not.
func TestCostsOfCommonQuestions(t *testing.T) {
	s := schemaOf(t)
	widget := `: metric(key: "events") { name value { value } series(interval: DAY) { at values } }`
	dashboard := "{"
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		dashboard += " " + name + widget
	}
	for _, c := range []struct {
		name, query string
		want        int
	}{
		{"a figure", `{ metric(key: "events") { value { value } } }`, 1 + 5},
		{"a dashboard of twelve", dashboard + " }", 12 * (1 + 5 + 10)},
		{"the same, live", "subscription { live { query " + dashboard + " } } }", 2 + 12*(1+5+10)},
		{"a page of fifty customers", `{ account(groupId: "g") { members(first: 50) { nodes { id userIds traits accounts(first: 5) { nodes { groupId traits } }
			identities(first: 5) { nodes { value } } traitHistory(first: 10) { nodes { name value } } } } } }`, 1 + 1 + 50*(1+(1+5)+(1+5)+(1+10))},
		{"five hundred events", `{ events { list(first: 500) { nodes { id properties person { id } } totalCount } } }`, 1 + 5 + 500*2 + 5},
		{"the registry", `{ eventTypes(first: 20) { nodes { name properties { name kinds { kind sample } } } } }`, 1 + 20*(1+100)},
		{"a hundred of a hundred of a hundred", `{ events { list(first: 100) { nodes { person { accounts(first: 100) { nodes { members(first: 100) { nodes { id } } } } } } } } }`,
			1 + 5 + 100*(1+1+1+100*(1+1+100))},
	} {
		doc, errs := gqlparser.LoadQueryWithRules(s, c.query, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		got, problem := limit.EstimateCost(doc.Operations[0], nil)
		if problem != nil || got.Total != c.want {
			t.Errorf("%s: %+v %v, want %d", c.name, got, problem, c.want)
		}
	}
}
