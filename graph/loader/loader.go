// Package loader gathers what the fields of one execution look up one by one into one
// statement each. Loaders live as long as an execution: a live query gets new ones every
// time, and so never sees what an earlier answer had read.
package loader

import (
	"context"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/archive"
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
	Event       *dataloader.Loader[event.Position, *event.Event]
	ArchivePart *dataloader.Loader[archive.Position, *archive.Part]
}

type loadersKey struct{}

// With returns a context with fresh loaders.
func With(ctx context.Context, events *event.Reader, parts *archive.Reader) context.Context {
	return context.WithValue(ctx, loadersKey{}, &Loaders{
		Event: newLoader(events.ByPositions), ArchivePart: newLoader(parts.ByPositions),
	})
}

// From gives the execution's loaders.
func From(ctx context.Context) *Loaders {
	return ctx.Value(loadersKey{}).(*Loaders)
}

// newLoader gathers what is looked up by keys of one kind.
func newLoader[K comparable, V any](find func(ctx context.Context, keys []K) (map[K]V, error)) *dataloader.Loader[K, *V] {
	batch := func(ctx context.Context, keys []K) []*dataloader.Result[*V] {
		// A batch serves callers beyond the one whose context it was given.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		found, err := find(ctx, keys)
		results := make([]*dataloader.Result[*V], len(keys))
		for i, key := range keys {
			results[i] = &dataloader.Result[*V]{Error: err}
			if err != nil {
				continue
			}
			if v, ok := found[key]; ok {
				results[i].Data = &v
			} else {
				results[i].Error = fault.New(fault.NotFound, "There is nothing with this id.").In("id")
			}
		}
		return results
	}
	return dataloader.NewBatchedLoader(batch, dataloader.WithWait[K, *V](wait), dataloader.WithBatchCapacity[K, *V](most))
}
