package graph

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// remembering has a live query read again only those fields of Query whose data has changed: the
// others are given as they were. It is an extension of the executor.
type remembering struct{}

// ExtensionName implements [graphql.HandlerExtension].
func (remembering) ExtensionName() string { return "RememberedFields" }

// Validate implements [graphql.HandlerExtension].
func (remembering) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptRootField implements [graphql.RootFieldInterceptor].
func (remembering) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	memory := topic.MemoryOf(ctx)
	if memory == nil || !worthRemembering(ctx) {
		return next(ctx)
	}
	name, meter := graphql.GetRootFieldContext(ctx).Field.Alias, limit.MeterOf(ctx)
	if kept, ok := memory.Recall(ctx, name, time.Now()).(rememberedField); ok {
		if meter.Repeat(kept.counts); meter.Full() == nil {
			return kept
		}
	} // and beyond the bound it is read, to say so
	meter = meter.Part()
	recording, readings := topic.RecordPart(limit.WithMeter(ctx, meter))
	read := next(recording)
	readings.Retell(ctx)
	// A field that failed, or another one that did, is read again: the answer says why.
	if read == graphql.Null || read == graphql.RequiredNull || len(graphql.GetErrors(ctx)) > 0 {
		return read
	}
	var text bytes.Buffer
	read.MarshalGQL(&text)
	kept := rememberedField{text.Bytes(), meter.Counts()}
	memory.Keep(name, kept, readings)
	return kept
}

// worthRemembering tells whether a field may be given again at all, and has others beside it:
// what is asked for alone is only ever read because it has changed.
func worthRemembering(ctx context.Context) bool {
	operation := graphql.GetOperationContext(ctx)
	// Of an answer with hidden fields it is also told which those are. And whoever sees some rows
	// alone is answered from more than is noted of a field.
	if who, known := access.From(ctx); !known || who.Rows != nil || operation.Stats.GetExtension(noticesMark) != nil {
		return false
	}
	query := graphql.GetFieldContext(ctx)
	if query == nil || query.Object != "Query" || query.Parent == nil {
		return false
	}
	return len(graphql.CollectFields(operation, query.Parent.Field.Selections, []string{"Query"})) > 1
}

// rememberedField is a field's value as it was written, and what it counted for.
type rememberedField struct {
	text   []byte
	counts limit.Counts
}

// MarshalGQL implements [graphql.Marshaler].
func (f rememberedField) MarshalGQL(w io.Writer) { _, _ = w.Write(f.text) }
