// Package loader gathers what the fields of one execution look up one by one into one
// statement each. Loaders live as long as an execution: a live query gets new ones every
// time, and so never sees what an earlier answer had read.
package loader

import (
	"context"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

const (
	wait    = time.Millisecond // for others to join: it is paid on every level of a query
	timeout = 10 * time.Second // of one batch
	most    = 500              // keys in one batch
)

// Loaders are those of one execution.
type Loaders struct {
	Event *dataloader.Loader[event.Position, *event.Event]
}

type loadersKey struct{}

// With returns a context with fresh loaders.
func With(ctx context.Context, events *event.Reader) context.Context {
	return context.WithValue(ctx, loadersKey{}, &Loaders{
		Event: dataloader.NewBatchedLoader(eventBatch(events),
			dataloader.WithWait[event.Position, *event.Event](wait),
			dataloader.WithBatchCapacity[event.Position, *event.Event](most)),
	})
}

// From gives the execution's loaders.
func From(ctx context.Context) *Loaders {
	return ctx.Value(loadersKey{}).(*Loaders)
}

func eventBatch(events *event.Reader) dataloader.BatchFunc[event.Position, *event.Event] {
	return func(ctx context.Context, keys []event.Position) []*dataloader.Result[*event.Event] {
		// A batch serves callers beyond the one whose context it was given.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		found, err := events.ByPositions(ctx, keys)
		results := make([]*dataloader.Result[*event.Event], len(keys))
		for i, key := range keys {
			results[i] = &dataloader.Result[*event.Event]{Error: err}
			if err != nil {
				continue
			}
			if e, ok := found[key]; ok {
				results[i].Data = &e
			} else {
				results[i].Error = fault.New(fault.NotFound, "There is nothing with this id.").In("id")
			}
		}
		return results
	}
}
