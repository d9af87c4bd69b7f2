package graph

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tidemarkhq/tidemark/graph/generated"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// The bounds of documents.
const (
	maxTokens       = 3_000 // of one document: its values belong into variables
	parsedDocuments = 1_000 // kept parsed
)

// gqlgen always offers @defer, and our transports never send the deferred part. All executors
// of a process share the schema.
var withoutDefer sync.Once

// sharedSchema is the one that documents are held against, @defer included until there is an
// executor.
func sharedSchema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// NewExecutor makes the executor of the schema over the services. It lets in what is within
// the bounds.
func NewExecutor(r *Resolver, bounds Bounds, logger *slog.Logger) *executor.Executor {
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{Page: page},
	})
	withoutDefer.Do(func() { delete(schema.Schema().Directives, "defer") })
	e := executor.New(newWidgets(schema, r.MetricService))
	e.Use(extension.Introspection{})
	parsed := lru.New[*ast.QueryDocument](parsedDocuments)
	e.SetQueryCache(parsed)
	e.Use(guard{parsed})
	rules := NewPermit(schema.Schema(), r.AuditLog.Denied, r.Witness)
	e.Use(rules)
	r.reports = &runner{e, rules.book, r.prepare}
	e.Use(newCosting(bounds))
	e.Use(remembering{})
	e.AroundResponses(tell)
	e.SetParserTokenLimit(maxTokens)
	e.SetDisableSuggestion(true)
	e.SetErrorPresenter(presenter(logger))
	e.SetRecoverFunc(func(ctx context.Context, panicked any) error {
		logger.ErrorContext(ctx, "a resolver panicked", "panic", panicked, "request", fault.Request(ctx), "stack", string(debug.Stack()))
		return fault.New(fault.Internal, "Internal error.")
	})
	return e
}

// presenter gives the caller a code and a sentence, and the log the cause.
func presenter(logger *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		if g, ok := errors.AsType[*gqlerror.Error](err); ok && g.Err == nil {
			return presentRequestError(g) // gqlgen's own: the document or its variables are wrong
		}
		f, ok := fault.Of(err)
		if !ok || f.Code == fault.Internal {
			logger.ErrorContext(ctx, "a field failed", "error", err, "path", graphql.GetPath(ctx).String(), "request", fault.Request(ctx))
		}
		if f.Code.Passing() {
			topic.NoteFailed(ctx)
		}
		return present(ctx, err, f)
	}
}

func present(ctx context.Context, err error, f *fault.Error) *gqlerror.Error {
	shown := &gqlerror.Error{Message: f.Message, Path: graphql.GetPath(ctx), Extensions: map[string]any{"code": string(f.Code)}}
	field := f.Field
	if g, ok := errors.AsType[*gqlerror.Error](err); ok {
		shown.Path, shown.Locations = g.Path, g.Locations
		if field == "" {
			field = argumentOf(g.Path, graphql.GetPath(ctx))
		}
	}
	if field != "" {
		shown.Extensions["field"] = field
	}
	if seconds := f.RetryAfter(); seconds > 0 {
		shown.Extensions["retryAfter"] = seconds
	}
	if f.Code == fault.Internal {
		shown.Extensions["requestId"] = fault.Request(ctx)
	}
	return shown
}

// argumentOf names the argument at which an error's path goes on beyond the field that it
// belongs to, such as range.last.count.
func argumentOf(path, field ast.Path) string {
	var names []string
	for _, element := range path[min(len(field), len(path)):] {
		if name, ok := element.(ast.PathName); ok {
			names = append(names, string(name))
		}
	}
	return strings.Join(names, ".")
}

func presentRequestError(g *gqlerror.Error) *gqlerror.Error {
	if g.Extensions["code"] == nil {
		errcode.Set(g, string(fault.BadUserInput))
	}
	return g
}

// SDL is the schema in GraphQL's schema definition language.
func SDL() string {
	schema := sharedSchema()
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatSchema(schema)
	return text.String()
}
