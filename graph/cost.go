package graph

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

// Bounds are what one operation may come to.
type Bounds struct {
	Cost  int // at most, as its document says it
	Items int // of its lists together, as they are given
}

// costing refuses what would cost too much before it is executed, and gives the rest a
// meter.
type costing struct {
	bounds Bounds
	known  *otter.Cache[*ast.OperationDefinition, *limit.Estimate] // that hold whatever the variables are
}

func newCosting(bounds Bounds) costing {
	return costing{bounds, otter.Must(&otter.Options[*ast.OperationDefinition, *limit.Estimate]{MaximumSize: parsedDocuments})}
}

// ExtensionName implements [graphql.HandlerExtension].
func (costing) ExtensionName() string { return "Costing" }

// Validate implements [graphql.HandlerExtension].
func (costing) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements [graphql.OperationContextMutator].
func (c costing) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	estimate, problem := c.estimate(operation)
	if problem != nil {
		return refused(problem)
	}
	if estimate.Total > c.bounds.Cost {
		return refused(&limit.Problem{Error: fault.Newf(fault.BadUserInput,
			"This may cost %d, and at most %d are allowed. Ask for fewer items, or in several requests.", estimate.Total, c.bounds.Cost).In("query")})
	}
	operation.Stats.SetExtension(meterMark, limit.NewMeter(estimate, c.bounds.Items))
	return nil
}

// estimate works an operation's cost out, or remembers it.
func (c costing) estimate(operation *graphql.OperationContext) (*limit.Estimate, *limit.Problem) {
	if known, ok := c.known.GetIfPresent(operation.Operation); ok {
		return known, nil
	}
	if problem := limit.CheckOnce(operation.Operation); problem != nil {
		return nil, problem
	}
	estimate, problem := limit.EstimateCost(operation.Operation, operation.Variables)
	if problem == nil && estimate.Fixed {
		c.known.Set(operation.Operation, estimate)
	}
	return estimate, problem
}

func refused(problem *limit.Problem) *gqlerror.Error {
	e := gqlerror.Errorf("%s", problem.Message)
	if problem.At != nil {
		e = gqlerror.ErrorPosf(problem.At, "%s", problem.Message)
	}
	errcode.Set(e, string(problem.Code))
	e.Extensions["field"] = problem.Field
	return e
}

// meterMark is the name under which an operation keeps its meter.
const meterMark = "tidemark.meter"

// MeterOf is the meter of an operation that was let in.
func MeterOf(operation *graphql.OperationContext) *limit.Meter {
	m, _ := operation.Stats.GetExtension(meterMark).(*limit.Meter)
	return m
}

// InterceptOperation implements [graphql.OperationInterceptor]: what is executed finds its
// meter in the context. Of a stream each answer has one of its own, else the lists of all of them
// would count together, without an end.
func (costing) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	meter, answers := MeterOf(graphql.GetOperationContext(ctx)), 0
	answer := next(limit.WithMeter(ctx, meter))
	return func(ctx context.Context) *graphql.Response {
		if answers++; answers > 1 {
			ctx = limit.WithMeter(ctx, meter.Afresh())
		}
		return answer(ctx)
	}
}

// page counts what a field marked @page gives: the nodes of a connection, or a list.
func page(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	given, err := next(ctx)
	if err != nil {
		return given, err
	}
	field := graphql.GetFieldContext(ctx).Field.Field
	return given, limit.MeterOf(ctx).Returned(field, lengthOf(given))
}

// lengthOf is how many items a page has.
func lengthOf(page any) int {
	v := reflect.Indirect(reflect.ValueOf(page))
	if v.Kind() == reflect.Struct {
		v = v.FieldByName("Nodes")
	}
	if v.Kind() != reflect.Slice { // nothing, which has no items
		return 0
	}
	return v.Len()
}
