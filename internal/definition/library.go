package definition

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Library finds what tenants have defined, for the catalog. A definition that does not fit what
// there is now, as after a metric of ours was given up, is not shown.
type Library struct{}

var _ metric.Own = Library{}

// Find implements [metric.Own], by one statement.
func (Library) Find(ctx context.Context, db dbsqlc.DBTX, catalog *metric.Catalog, keys []string, at *time.Time) (map[string]*metric.Definition, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	for _, key := range keys {
		note(ctx, key)
	}
	rows, err := dbsqlc.New().MetricDefinitionFind(ctx, db, dbsqlc.MetricDefinitionFindParams{Keys: keys, At: at})
	if err != nil {
		return nil, fmt.Errorf("find definitions: %w", err)
	}
	b := book{catalog, map[string]*entry{}}
	for _, r := range rows {
		note(ctx, r.Key)
		if e, err := newEntry(r.Key, int(r.Version), r.Definition); err == nil {
			b.entries[r.Key] = e
		}
	}
	return b.defined(keys)
}

// List implements [metric.Own], by one statement.
func (Library) List(ctx context.Context, db dbsqlc.DBTX, catalog *metric.Catalog) ([]*metric.Definition, error) {
	noteAll(ctx)
	b, err := readBook(ctx, db, catalog)
	if err != nil {
		return nil, err
	}
	keys := slices.Sorted(maps.Keys(b.entries))
	found, err := b.defined(keys)
	list := make([]*metric.Definition, 0, len(found))
	for _, key := range keys {
		if d := found[key]; d != nil {
			list = append(list, d)
		}
	}
	return list, err
}

func (b book) defined(keys []string) (map[string]*metric.Definition, error) {
	found := make(map[string]*metric.Definition, len(keys))
	for _, key := range keys {
		if b.entries[key] == nil || b.catalog.Has(key) {
			continue
		}
		d, err := b.define(key)
		if err == nil {
			found[key] = d
		} else if _, is := fault.Of(err); !is {
			return nil, err
		}
	}
	return found, nil
}

// noteAll says that the answer depends on all definitions.
func noteAll(ctx context.Context) {
	if who, known := access.From(ctx); known {
		topic.Note(ctx, topic.All(who.Tenant, topic.Metric))
	}
}

// note says that the answer depends on a metric's definition, or on there being none.
func note(ctx context.Context, key string) {
	if who, known := access.From(ctx); known {
		topic.Note(ctx, topic.Exactly(who.Tenant, topic.Metric, key))
	}
}
