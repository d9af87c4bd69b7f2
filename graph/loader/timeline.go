package loader

import (
	"context"
	"encoding/json"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

// TimelineKey asks for a page of one customer's timeline.
type TimelineKey struct {
	Of    int64
	Kind  identity.Subject
	First int
	After timeline.Cursor
	// Filter is the filter as text, so that equal ones are read together.
	Filter string
}

// NewTimelineKey makes a key.
func NewTimelineKey(kind identity.Subject, of int64, first int, after timeline.Cursor, filter *timeline.Filter) (TimelineKey, error) {
	k := TimelineKey{Of: of, Kind: kind, First: first, After: after}
	if filter == nil {
		return k, nil
	}
	text, err := json.Marshal(filter)
	k.Filter = string(text)
	return k, err
}

func (k TimelineKey) ask() (a timeline.Ask, err error) {
	a = timeline.Ask{Of: k.Kind, First: k.First, After: k.After}
	if k.Filter != "" {
		err = json.Unmarshal([]byte(k.Filter), &a.Filter)
	}
	return a, err
}

// timelines loads pages of timelines, those that are asked for alike together.
func timelines(from *timeline.Service) *Batched[TimelineKey, *timeline.Page] {
	return alike(func(k TimelineKey) (int64, TimelineKey) {
		of := k.Of
		k.Of = 0
		return of, k
	}, func(ctx context.Context, of []int64, k TimelineKey) (map[int64]timeline.Page, error) {
		ask, err := k.ask()
		if err != nil {
			return nil, err
		}
		return from.Pages(ctx, of, ask)
	})
}

// UsageKey asks for one customer's usage.
type UsageKey struct {
	Of  int64
	Ask timeline.UsageAsk
}

func usages(from *timeline.Service) *Batched[UsageKey, *timeline.Usage] {
	return alike(func(k UsageKey) (int64, UsageKey) { return k.Of, UsageKey{Ask: k.Ask} },
		func(ctx context.Context, of []int64, k UsageKey) (map[int64]timeline.Usage, error) {
			return from.Usages(ctx, of, k.Ask)
		})
}

// TrendKey asks for one account's trend of health.
type TrendKey struct {
	Of   int64
	Days int
}

func trends(from *health.Service) *Batched[TrendKey, *health.Trend] {
	return alike(func(k TrendKey) (int64, TrendKey) { return k.Of, TrendKey{Days: k.Days} },
		func(ctx context.Context, of []int64, k TrendKey) (map[int64]health.Trend, error) {
			return from.Trends(ctx, of, k.Days)
		})
}

// alike loads what is asked of several things by the same question together: part takes the thing
// out of a key, and leaves the question.
func alike[K comparable, V any](part func(K) (int64, K), read func(ctx context.Context, of []int64, question K) (map[int64]V, error)) *Batched[K, *V] {
	return batched(func(ctx context.Context, keys []K) []*dataloader.Result[*V] {
		results := make([]*dataloader.Result[*V], len(keys))
		places, things := map[K][]int{}, map[K][]int64{}
		for i, key := range keys {
			of, question := part(key)
			places[question], things[question] = append(places[question], i), append(things[question], of)
		}
		for question, list := range places {
			found := map[int64]V{}
			err := limit.MeterOf(ctx).Full() // their sizes multiply: beyond the bound nothing is read
			if err == nil {
				found, err = read(ctx, things[question], question)
			}
			for i, place := range list {
				results[place] = &dataloader.Result[*V]{Error: err}
				if v, ok := found[things[question][i]]; ok && err == nil {
					results[place].Data = &v
				}
			}
		}
		return results
	})
}
