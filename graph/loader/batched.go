package loader

import (
	"context"
	"sync"

	"github.com/graph-gophers/dataloader/v7"
)

// Batched is a loader whose batches can also be run ahead of those who ask. It is made for every
// execution, of which few use it: what it takes to load comes with its first use.
type Batched[K comparable, V any] struct {
	batch dataloader.BatchFunc[K, V]
	made  sync.Once
	uses  *dataloader.Loader[K, V]
}

func batched[K comparable, V any](batch dataloader.BatchFunc[K, V]) *Batched[K, V] {
	return &Batched[K, V]{batch: batch}
}

func (b *Batched[K, V]) loader() *dataloader.Loader[K, V] {
	b.made.Do(func() {
		b.uses = dataloader.NewBatchedLoader(b.batch, dataloader.WithWait[K, V](wait), dataloader.WithBatchCapacity[K, V](most))
	})
	return b.uses
}

// Load has a key looked up with others. The function that it returns waits for what was found.
func (b *Batched[K, V]) Load(ctx context.Context, key K) dataloader.Thunk[V] {
	return b.loader().Load(ctx, key)
}

// LoadMany is Load for several keys.
func (b *Batched[K, V]) LoadMany(ctx context.Context, keys []K) dataloader.ThunkMany[V] {
	return b.loader().LoadMany(ctx, keys)
}

// Clear forgets what was found of a key.
func (b *Batched[K, V]) Clear(ctx context.Context, key K) { b.loader().Clear(ctx, key) }

// ClearAll forgets what was found.
func (b *Batched[K, V]) ClearAll() { b.loader().ClearAll() }

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
			b.loader().Prime(ctx, keys[i], result.Data)
			found = append(found, result.Data)
		}
	}
	return found
}
