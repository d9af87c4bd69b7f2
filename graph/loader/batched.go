package loader

import (
	"context"

	"github.com/graph-gophers/dataloader/v7"
)

// Batched is a loader whose batches can also be run ahead of those who ask.
type Batched[K comparable, V any] struct {
	*dataloader.Loader[K, V]
	batch dataloader.BatchFunc[K, V]
}

func batched[K comparable, V any](batch dataloader.BatchFunc[K, V]) *Batched[K, V] {
	return &Batched[K, V]{dataloader.NewBatchedLoader(batch,
		dataloader.WithWait[K, V](wait), dataloader.WithBatchCapacity[K, V](most)), batch}
}

// Ahead looks up what the items of a list are about to ask for, and gives what was found. The
// items ask from goroutines of their own, and a batch waits a millisecond for them: on a busy
// machine some come too late. So it is one statement for a list, however long it is. Where it
// fails, whoever asks learns why.
func (b *Batched[K, V]) Ahead(ctx context.Context, keys []K) (found []V) {
	if len(keys) == 0 {
		return nil
	}
	for i, result := range b.batch(ctx, keys) {
		if result.Error == nil {
			b.Prime(ctx, keys[i], result.Data)
			found = append(found, result.Data)
		}
	}
	return found
}
