package metric

import (
	"context"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Catalog is the metrics that there are, in the order in which they are shown. It is put
// together from what the subjects bring: events and users here, revenue and others elsewhere.
type Catalog struct {
	list  []*Definition
	byKey map[string]*Definition
	own   Own // what tenants add; nil: nothing
}

// NewCatalog puts a catalog together. A key that comes twice is a mistake of the program.
func NewCatalog(parts ...[]*Definition) *Catalog {
	c := &Catalog{byKey: map[string]*Definition{}}
	for _, part := range parts {
		for _, d := range part {
			if c.byKey[d.Key] != nil {
				panic("metric: two metrics are called " + d.Key)
			}
			c.list, c.byKey[d.Key] = append(c.list, d), d
		}
	}
	return c
}

// List gives the metrics in the order in which they are shown.
func (c *Catalog) List() []*Definition { return c.list }

// Ours lists the metrics that every tenant has.
func (s *Service) Ours() []*Definition { return s.catalog.list }

// Find returns the metric of a key, or NOT_FOUND.
func (c *Catalog) Find(key string) (*Definition, error) {
	if d := c.byKey[key]; d != nil {
		return d, nil
	}
	return nil, ErrNone
}

// ErrNone is the fault of a key that no metric has which is shown.
var ErrNone = fault.New(fault.NotFound, "There is no metric of this key. The query metrics lists those that there are.").In("key")

// Shown lists the metrics that whoever asks is let see: all, those that the tenant has defined
// after the others, but to the bearer of an embed token those that it names.
func (s *Service) Shown(ctx context.Context) ([]*Definition, error) {
	all := s.catalog.list
	if s.catalog.own != nil {
		err := s.readOwn(ctx, func(db dbsqlc.DBTX) error {
			own, err := s.catalog.own.List(ctx, db, s.catalog)
			all = slices.Concat(all, own)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	who, _ := access.From(ctx)
	var shown []*Definition
	for _, d := range all {
		if who.Embed.AllowsMetric(d.Key) {
			shown = append(shown, d)
		}
	}
	return shown, nil
}

// FindShown finds one of those that are shown: of the others it is not told that they exist.
func (s *Service) FindShown(ctx context.Context, key string) (*Definition, error) {
	found, err := s.FindMany(ctx, []string{key})
	if err == nil && found[key] == nil {
		err = ErrNone
	}
	return found[key], err
}
