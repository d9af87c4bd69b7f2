package loader

import (
	"context"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Batched is a loader whose batches can also be run ahead of those who ask. It is made for every
// execution, of which few use it: what it takes to load comes with its first use.
//
// Those who ask may be of different parts of the answer: each is told what its value was read
// from, whoever had it read.
type Batched[K comparable, V any] struct {
	batch dataloader.BatchFunc[K, told[V]]
	made  sync.Once
	uses  *dataloader.Loader[K, told[V]]
}

// told is a value with what it was read from, if parts are told apart.
type told[V any] struct {
	value V
	from  *topic.Readings
}

// batched makes a loader of a batch that reads for all of its keys alike.
func batched[K comparable, V any](batch dataloader.BatchFunc[K, V]) *Batched[K, V] {
	return &Batched[K, V]{batch: func(ctx context.Context, keys []K) []*dataloader.Result[told[V]] {
		ctx, cancel := within(ctx)
		defer cancel()
		ctx, readings := topic.Shared(ctx)
		results := make([]*dataloader.Result[told[V]], len(keys))
		for i, found := range batch(ctx, keys) {
			results[i] = &dataloader.Result[told[V]]{Data: told[V]{found.Data, readings}, Error: found.Error}
		}
		return results
	}}
}

func (b *Batched[K, V]) loader() *dataloader.Loader[K, told[V]] {
	b.made.Do(func() {
		b.uses = dataloader.NewBatchedLoader(b.batch, dataloader.WithWait[K, told[V]](wait), dataloader.WithBatchCapacity[K, told[V]](most))
	})
	return b.uses
}

// Load has a key looked up with others. The function that it returns waits for what was found.
func (b *Batched[K, V]) Load(ctx context.Context, key K) dataloader.Thunk[V] {
	found := b.loader().Load(ctx, key)
	return func() (V, error) {
		t, err := found()
		t.from.Retell(ctx)
		return t.value, err
	}
}

// LoadMany is Load for several keys.
func (b *Batched[K, V]) LoadMany(ctx context.Context, keys []K) dataloader.ThunkMany[V] {
	found := b.loader().LoadMany(ctx, keys)
	return func() ([]V, []error) {
		all, errs := found()
		values := make([]V, len(all))
		for i, t := range all {
			t.from.Retell(ctx)
			values[i] = t.value
		}
		return values, errs
	}
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
		result.Data.from.Retell(ctx)
		if result.Error == nil {
			b.loader().Prime(ctx, keys[i], result.Data)
			found = append(found, result.Data.value)
		}
	}
	return found
}

// within bounds a batch. It serves callers beyond the one whose context it was given.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), Timeout)
}
