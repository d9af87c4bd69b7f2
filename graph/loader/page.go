package loader

import (
	"context"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

// PageKey asks for a page of one thing's list; the zero After is its beginning.
type PageKey[A comparable] struct {
	Of    int64
	First int
	After A
}

// part is what pages must have in common to be read by one statement.
type part[A comparable] struct {
	first int
	after A
}

// paged loads pages of lists, those that begin at the same place in one statement.
func paged[A comparable, V any](read func(ctx context.Context, of []int64, first int, after A) (map[int64]customer.Page[V], error)) *Batched[PageKey[A], customer.Page[V]] {
	return batched(pages(read))
}

func pages[A comparable, V any](read func(ctx context.Context, of []int64, first int, after A) (map[int64]customer.Page[V], error)) dataloader.BatchFunc[PageKey[A], customer.Page[V]] {
	return func(ctx context.Context, keys []PageKey[A]) []*dataloader.Result[customer.Page[V]] {
		results := make([]*dataloader.Result[customer.Page[V]], len(keys))
		for together, places := range byPart(keys) {
			of := make([]int64, len(places))
			for i, place := range places {
				of[i] = keys[place].Of
			}
			var pages map[int64]customer.Page[V]
			err := limit.MeterOf(ctx).Full() // their sizes multiply: beyond the bound nothing is read
			if err == nil {
				pages, err = read(ctx, of, together.first, together.after)
			}
			for _, place := range places {
				page := pages[keys[place].Of]
				results[place] = &dataloader.Result[customer.Page[V]]{Data: page, Error: err}
			}
		}
		return results
	}
}

func byPart[A comparable](keys []PageKey[A]) map[part[A]][]int {
	places := map[part[A]][]int{}
	for i, key := range keys {
		together := part[A]{key.First, key.After}
		places[together] = append(places[together], i)
	}
	return places
}
