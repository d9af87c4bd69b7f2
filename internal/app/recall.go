package app

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/answer"
	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/gqlhttp"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

// memory gives answers to equal requests again. They are charged as the first one was, and their
// documents have to be trusted still.
type memory struct {
	keeper    *answer.Keeper
	documents *document.Library
	admission admission
}

// Recall implements [gqlhttp.Memory].
func (m memory) Recall(ctx context.Context, scope, text string) (*gqlhttp.Recalled, context.Context) {
	repeat, ok, ctx := m.keeper.Recall(ctx, answer.Request{Scope: scope, Text: text})
	if !ok {
		return nil, ctx
	}
	if trusted, err := m.documents.Resolve(ctx, document.Asked{Text: repeat.Query}); err != nil || trusted != repeat.Query {
		return nil, ctx // why not is found out as for any request
	}
	admission, err := m.admission.charge(ctx, limit.Read, repeat.Cost, func() int { return repeat.Actual })
	return &gqlhttp.Recalled{Append: repeat.Append, Admission: admission, Err: err}, ctx
}
