package graph

import (
	"regexp"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Live is how a live query is to be answered: the arguments of the field live.
type Live struct {
	Live          bool          // false: the subscription is another field
	Interval      time.Duration // between two answers, at least
	Patch         bool
	After         string // the revision that the subscriber has
	AfterVariable string // has it, and nothing else; "" if there is none
}

// What a subscriber may wish for, in milliseconds.
const leastInterval, mostInterval = 50, 3_600_000

// LiveArguments reads them out of a subscription. Its error is a BAD_USER_INPUT fault.
func LiveArguments(op *graphql.OperationContext) (l Live, err error) {
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		if field.Name != "live" {
			continue
		}
		given := field.ArgumentMap(op.Variables)
		l.Live = true
		l.Patch, _ = given["patch"].(bool)
		l.After, _ = given["after"].(string)
		l.AfterVariable = soleVariable(field.Field, op.RawQuery)
		if l.Interval, err = interval(given["minInterval"]); err != nil {
			return l, err
		}
	}
	return l, nil
}

// interval takes a number as gqlparser coerces it.
func interval(given any) (time.Duration, error) {
	var ms int64
	switch n := given.(type) {
	case int64:
		ms = n
	case int:
		ms = int64(n)
	case interface{ Int64() (int64, error) }:
		ms, _ = n.Int64() // it is an Int, as the document is valid
	}
	if ms < leastInterval || ms > mostInterval {
		return 0, fault.Input("minInterval", "An interval is %d to %d milliseconds.", leastInterval, mostInterval)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// soleVariable is the variable that gives after, if the document has it for nothing else: it is
// defined and used once.
func soleVariable(field *ast.Field, document string) string {
	argument := field.Arguments.ForName("after")
	if argument == nil || argument.Value.Kind != ast.Variable {
		return ""
	}
	name := argument.Value.Raw
	if named := regexp.MustCompile(`\$\s*` + regexp.QuoteMeta(name) + `\b`); len(named.FindAllString(document, 3)) != 2 {
		return ""
	}
	return name
}
