package loader

import (
	"context"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// metricsByKey finds metrics, those that the tenant has defined by one statement.
func metricsByKey(metrics *metric.Service) *Batched[string, *metric.Definition] {
	return batched(func(ctx context.Context, keys []string) []*dataloader.Result[*metric.Definition] {
		found, err := metrics.FindMany(ctx, keys)
		results := make([]*dataloader.Result[*metric.Definition], len(keys))
		for i, key := range keys {
			results[i] = &dataloader.Result[*metric.Definition]{Data: found[key], Error: err}
		}
		return results
	})
}

// VersionsKey asks for a page of a metric's versions, from the one before a number on.
type VersionsKey struct {
	Metric        string
	First, Before int
}

// versions loads pages of versions, those that begin at the same place by one statement.
func versions(definitions *definition.Service) *Batched[VersionsKey, []definition.Version] {
	return batched(func(ctx context.Context, keys []VersionsKey) []*dataloader.Result[[]definition.Version] {
		results := make([]*dataloader.Result[[]definition.Version], len(keys))
		places := map[VersionsKey][]int{} // without a metric: what they have in common
		for i, key := range keys {
			same := VersionsKey{First: key.First, Before: key.Before}
			places[same] = append(places[same], i)
		}
		for same, list := range places {
			of := make([]string, len(list))
			for i, place := range list {
				of[i] = keys[place].Metric
			}
			found, err := definitions.Versions(ctx, of, same.First, same.Before)
			for _, place := range list {
				results[place] = &dataloader.Result[[]definition.Version]{Data: found[keys[place].Metric], Error: err}
			}
		}
		return results
	})
}
