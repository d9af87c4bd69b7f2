package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tidemarkhq/tidemark/internal/limit"
)

// documentBounds leave room for the playground's introspection, which is 15 levels deep.
var documentBounds = limit.Document{Fields: 2_000, Beside: 300, Depth: 20}

// guard refuses documents that would be slow to validate, before they are validated. What
// has been parsed and kept was let through once.
type guard struct {
	parsed graphql.Cache[*ast.QueryDocument]
}

// ExtensionName implements [graphql.HandlerExtension].
func (guard) ExtensionName() string { return "DocumentGuard" }

// Validate implements [graphql.HandlerExtension].
func (guard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (g guard) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if _, known := g.parsed.Get(ctx, request.Query); known {
		return nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: request.Query}, maxTokens)
	if err != nil {
		return nil //nolint:nilerr // the executor finds the same, and says it
	}
	problem := documentBounds.Check(doc)
	if problem == nil {
		return nil
	}
	refused := gqlerror.Errorf("%s", problem.Message)
	errcode.Set(refused, string(problem.Code))
	return refused
}
