package limit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestOnceIsOnce(t *testing.T) {
	var hundred, doubling strings.Builder
	for i := range 100 {
		fmt.Fprintf(&hundred, " a%d: signIn(code: \"%d\") { id }", i, i)
	}
	doubling.WriteString("mutation { ...F0 }")
	for i := range 60 {
		fmt.Fprintf(&doubling, " fragment F%d on Mutation { ...F%d ... { ...F%d } }", i, i+1, i+1)
	}
	doubling.WriteString(" fragment F60 on Mutation { signIn { id } }")
	for name, c := range map[string]struct{ query, field string }{
		"one":                   {`mutation { signIn { id } }`, ""},
		"one by a fragment":     {`mutation { ...F } fragment F on Mutation { signIn { id } }`, ""},
		"one of each":           {`mutation { signIn { id } signOut rename { id } }`, ""},
		"two that may":          {`mutation { a: rename { id } b: rename { id } }`, ""},
		"two":                   {`mutation { a: signIn { id } b: signIn { id } }`, "signIn"},
		"two that merge":        {`mutation { signIn { id } signIn { boss { id } } }`, "signIn"},
		"two of the other":      {`mutation { signIn { id } a: signOut b: signOut }`, "signOut"},
		"a hundred":             {"mutation {" + hundred.String() + " }", "signIn"},
		"beside a fragment":     {`mutation { a: signIn { id } ...F } fragment F on Mutation { b: signIn { id } }`, "signIn"},
		"inline fragments":      {`mutation { ... { a: signIn { id } } ... on Mutation { b: signIn { id } } }`, "signIn"},
		"a fragment twice":      {`mutation { ...F ...F } fragment F on Mutation { signIn { id } }`, "signIn"},
		"fragments that double": {doubling.String(), "signIn"},
		"one that is left out":  {`mutation { a: signIn { id } b: signIn @skip(if: true) { id } }`, "signIn"},
	} {
		op, _ := operationOf(t, c.query, nil)
		problem := CheckOnce(op)
		if (problem == nil) != (c.field == "") || problem != nil && (problem.Field != c.field || problem.Code != fault.BadUserInput || problem.At == nil) {
			t.Errorf("%s: %v, want %q named", name, problem, c.field)
		}
	}
}
