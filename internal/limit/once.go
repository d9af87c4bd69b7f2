package limit

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// CheckOnce refuses an operation that has a root field marked @once more than once, under
// whatever aliases and in whatever fragments: a document with a hundred of them would be a
// hundred attempts in one request. Fields that a directive leaves out count as well.
func CheckOnce(operation *ast.OperationDefinition) *Problem {
	c := roots{known: map[*ast.FragmentDefinition][]*ast.Field{}}
	seen := map[string]bool{}
	for _, f := range c.set(operation.SelectionSet) {
		if seen[f.Name] {
			return &Problem{fault.Newf(fault.BadUserInput, "%s may stand in a document once only.", f.Name).In(f.Name), f.Position}
		}
		seen[f.Name] = true
	}
	return nil
}

// roots gathers the fields marked @once, each at most twice, from each fragment once.
type roots struct {
	known map[*ast.FragmentDefinition][]*ast.Field
}

func (r *roots) set(selections ast.SelectionSet) (found []*ast.Field) {
	count := map[string]int{}
	for _, selection := range selections {
		for _, f := range r.selection(selection) {
			if count[f.Name]++; count[f.Name] <= 2 {
				found = append(found, f)
			}
		}
	}
	return found
}

func (r *roots) selection(selection ast.Selection) []*ast.Field {
	switch s := selection.(type) {
	case *ast.Field:
		if s.Definition != nil && s.Definition.Directives.ForName("once") != nil {
			return []*ast.Field{s}
		}
	case *ast.InlineFragment:
		return r.set(s.SelectionSet)
	case *ast.FragmentSpread:
		return r.fragment(s.Definition)
	}
	return nil
}

func (r *roots) fragment(f *ast.FragmentDefinition) []*ast.Field {
	if found, known := r.known[f]; known || f == nil {
		return found
	}
	r.known[f] = r.set(f.SelectionSet)
	return r.known[f]
}
