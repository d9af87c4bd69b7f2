package metric

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Own finds the metrics that tenants define themselves, those of the transaction's tenant. It
// notes that the answer depends on them, on those that there are none of as well.
type Own interface {
	// Find gives those of some keys as they were defined at an instant; nil: as they are.
	Find(ctx context.Context, db dbsqlc.DBTX, catalog *Catalog, keys []string, at *time.Time) (map[string]*Definition, error)
	// List gives all of them by key.
	List(ctx context.Context, db dbsqlc.DBTX, catalog *Catalog) ([]*Definition, error)
}

// WithOwn is the catalog with what tenants add to it. A key of the catalog's own stays what
// it is.
func (c *Catalog) WithOwn(own Own) *Catalog {
	with := *c
	with.own = own
	return &with
}

// Has reports whether the catalog itself has a metric of this key.
func (c *Catalog) Has(key string) bool { return c.byKey[key] != nil }

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,59}$`)

// ValidKey reports whether a metric may be called so.
func ValidKey(key string) bool { return keyPattern.MatchString(key) }

// Builtin reports whether a metric of this key is there for every tenant.
func (s *Service) Builtin(key string) bool { return s.catalog.Has(key) }

// Draft reports whether the metric has been saved nowhere yet.
func (d *Definition) Draft() bool { return d.Custom && d.Version == 0 }

// FindMany finds those of some keys that the asking caller is shown. What is not found has
// no entry.
func (s *Service) FindMany(ctx context.Context, keys []string) (map[string]*Definition, error) {
	who, _ := access.From(ctx)
	found, missing := map[string]*Definition{}, []string{}
	for _, key := range keys {
		switch d := s.catalog.byKey[key]; {
		case !who.Embed.AllowsMetric(key):
		case d != nil:
			found[key] = d
		case ValidKey(key):
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 || s.catalog.own == nil {
		return found, nil
	}
	return found, s.readOwn(ctx, func(db dbsqlc.DBTX) error {
		own, err := s.catalog.own.Find(ctx, db, s.catalog, missing, nil)
		for _, key := range missing {
			if d := own[key]; d != nil {
				found[key] = d
			}
		}
		return err
	})
}

// readOwn opens a snapshot for the metrics that the asking tenant has defined.
func (s *Service) readOwn(ctx context.Context, fn func(dbsqlc.DBTX) error) error {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err != nil {
		return err
	}
	return s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error { return fn(tx) })
}

// settle gives each question the definition that holds in the snapshot that it is answered
// from, or held at the instant that it asks for: what was found before may be older than that.
func (s *Service) settle(ctx context.Context, h house, questions []*Question) ([]*Question, []error, error) {
	settled, problems := append([]*Question{}, questions...), make([]error, len(questions))
	keys, instants := map[time.Time][]string{}, []time.Time{}
	for _, q := range questions {
		if q.unsettled() {
			if keys[q.instant()] == nil {
				instants = append(instants, q.instant())
			}
			keys[q.instant()] = append(keys[q.instant()], q.Of.Key)
		}
	}
	found := make([]map[string]*Definition, len(instants))
	var reads []func(dbsqlc.DBTX) error
	for i, at := range instants {
		reads = append(reads, func(db dbsqlc.DBTX) (err error) {
			found[i], err = s.catalog.own.Find(ctx, db, s.catalog, keys[at], orNow(at))
			return err
		})
	}
	if err := postgres.Together(ctx, h.tx, reads...); err != nil {
		return nil, nil, fmt.Errorf("find definitions: %w", err)
	}
	for i, at := range instants {
		for j, q := range questions {
			if q.unsettled() && q.instant().Equal(at) {
				settled[j], problems[j] = q.by(found[i][q.Of.Key])
			}
		}
	}
	return settled, problems, nil
}

// unsettled reports whether the question is about a metric whose definition may have changed.
func (q *Question) unsettled() bool { return q.Of.Custom && !q.Of.Draft() }

// instant is the one whose definition counts; zero: now.
func (q *Question) instant() time.Time {
	if q.AsOf == nil {
		return time.Time{}
	}
	return q.AsOf.UTC()
}

func orNow(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// by is the question about what was found.
func (q *Question) by(d *Definition) (*Question, error) {
	switch {
	case d == nil && q.AsOf != nil:
		return nil, fault.Input("asOf", "This metric was not defined then.")
	case d == nil:
		return nil, ErrNone
	}
	settled := *q
	settled.Of = d
	return &settled, nil
}
