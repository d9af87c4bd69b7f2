package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// keptFields are the fields of the root whose answers may be given again while nothing has
// changed: those whose services note all that they read.
var keptFields = map[string]bool{"metric": true, "metrics": true, "__typename": true}

// MayKeep reports whether an operation's answer may be given again to others of the same scope.
func MayKeep(operation *graphql.OperationContext) bool {
	if operation.Operation.Operation != ast.Query || Personal(operation) {
		return false
	}
	// Of an answer with hidden fields it is also told which those are.
	if operation.Stats.GetExtension(noticesMark) != nil {
		return false
	}
	return onlyKept(operation.Operation.SelectionSet)
}

func onlyKept(selections ast.SelectionSet) bool {
	for _, selection := range selections {
		kept := false
		switch s := selection.(type) {
		case *ast.Field:
			kept = keptFields[s.Name]
		case *ast.InlineFragment:
			kept = onlyKept(s.SelectionSet)
		case *ast.FragmentSpread:
			kept = onlyKept(s.Definition.SelectionSet)
		}
		if !kept {
			return false
		}
	}
	return true
}
