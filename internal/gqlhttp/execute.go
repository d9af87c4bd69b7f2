package gqlhttp

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// parse makes a request into an operation that can be executed once, or into the
// answer that says why not: the document is not known or not trusted, does not parse,
// is not valid, holds no such operation, or has variables of other types.
func (h *Handler) parse(ctx context.Context, q *request) (op *graphql.OperationContext, bad *answer) {
	defer func() {
		if v := recover(); v != nil {
			op, bad = nil, h.panicked(ctx, v)
		}
	}()
	asked, err := h.resolve(ctx, q)
	if err != nil {
		return nil, h.unanswered(ctx, err)
	}
	ctx = graphql.StartOperationTrace(ctx) // CreateOperationContext panics without
	op, errs := h.config.Executor.CreateOperationContext(ctx, q.params())
	if len(errs) == 0 {
		if asked.Persist && h.config.Documents != nil {
			h.config.Documents.Keep(ctx, asked)
		}
		return op, nil
	}
	resp := h.config.Executor.DispatchError(graphql.WithOperationContext(ctx, op), errs)
	return nil, refused(resp.Errors)
}

// execute runs an operation until its first response, within the deadline.
func (h *Handler) execute(ctx context.Context, op *graphql.OperationContext, deadline time.Time) (a *answer) {
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, errTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			a = h.panicked(ctx, v)
		}
	}()
	if h.config.Prepare != nil {
		ctx = h.config.Prepare(ctx)
	}
	next, inner := h.config.Executor.DispatchOperation(ctx, op)
	return settle(ctx, next(rooted(inner, op)))
}

// rooted has the paths of a subscription's errors begin with its field, as those of other
// operations do: generated code resolves what is below it in a context without.
func rooted(ctx context.Context, op *graphql.OperationContext) context.Context {
	if op.Operation.Operation != ast.Subscription {
		return ctx
	}
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: field})
	}
	return ctx
}

// settle says why there is no answer, if the context knows. Data that came in
// spite of a deadline is kept: it may be a mutation's.
func settle(ctx context.Context, resp *graphql.Response) *answer {
	whole := resp != nil && (len(resp.Errors) == 0 || string(resp.Data) != "null" && len(resp.Data) > 0)
	if f := interruption(ctx); f != nil && !whole {
		return failed(f)
	}
	if resp == nil {
		return failed(fault.New(fault.Internal, "Internal error."))
	}
	return answerOf(resp)
}

// interruption is the fault for which ctx ended, or nil if it did not.
func interruption(ctx context.Context) *fault.Error {
	if ctx.Err() == nil {
		return nil
	}
	if f, ok := fault.Of(context.Cause(ctx)); ok {
		return f
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errTimeout
	}
	return fault.New(fault.Unavailable, "The request was given up.")
}

// panicked logs a recovered panic, and makes it an answer that says nothing of it.
func (h *Handler) panicked(ctx context.Context, v any) *answer {
	h.config.Logger.ErrorContext(ctx, "GraphQL: panic",
		slog.Any("panic", v), slog.String("request", fault.Request(ctx)), slog.String("stack", string(debug.Stack())))
	return failed(fault.New(fault.Internal, "Internal error."))
}

// truncate cuts text to at most size bytes, between two characters.
func truncate(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && text[size]&0xC0 == 0x80 {
		size--
	}
	return text[:size]
}
