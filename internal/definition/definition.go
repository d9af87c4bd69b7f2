// Package definition keeps the metrics that tenants define themselves, and every version of
// them. What is saved fits together: no metric is made of itself, and none of what there is not.
package definition

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/formula"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// The bounds of what a tenant defines.
const (
	maxMetrics     = 200
	maxName        = 100 // characters
	maxDescription = 1_000
	maxBytes       = 64 << 10 // of a definition as JSON
	maxParts       = 50       // metrics that one is made of, formulas among them
	maxLevels      = 10       // of formulas over formulas
	maxPage        = 100
)

// Service saves metrics.
type Service struct {
	app     *postgres.App
	catalog *metric.Catalog
	metrics *metric.Service
}

// NewService makes the service. The catalog is the one that the metrics are answered by.
func NewService(app *postgres.App, catalog *metric.Catalog, metrics *metric.Service) *Service {
	return &Service{app, catalog, metrics}
}

// Version is a definition as it was saved.
type Version struct {
	Key        string
	Number     int
	Definition []byte // a JSON object: what was given
	SavedAt    time.Time
	SavedBy    uuid.UUID  // the key, or the login
	EndedAt    *time.Time // nil: it holds
	Because    *string    // the metric whose change made it; nil: its own
}

// Current reports whether the version holds.
func (v Version) Current() bool { return v.EndedAt == nil }

var errNone = fault.New(fault.NotFound, "The tenant has defined no metric of this key.").In("key")

// change is a save that is under way.
type change struct {
	book
	who access.Principal
	tx  pgx.Tx
	at  time.Time
}

// change lets fn save, when it is its turn.
func (s *Service) change(ctx context.Context, fn func(change) error) error {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return err
	}
	return s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		at, err := dbsqlc.New().MetricDefinitionTakeTurn(ctx, tx)
		if err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		b, err := readBook(ctx, tx, s.catalog)
		if err != nil {
			return err
		}
		return fn(change{b, who, tx, at})
	})
}

// Create saves a new metric.
func (s *Service) Create(ctx context.Context, key string, d Draft) (made *metric.Definition, err error) {
	if err := s.checkKey(key); err != nil {
		return nil, err
	}
	err = s.change(ctx, func(c change) error {
		if c.entries[key] != nil {
			return fault.Input("key", "There is a metric of this key already.")
		}
		if len(c.entries) >= maxMetrics {
			return fault.Input("key", "There are %d metrics, and no more are kept. Remove one.", maxMetrics)
		}
		text, err := c.put(key, d)
		if err != nil {
			return err
		}
		version, err := dbsqlc.New().MetricDefinitionCreate(ctx, c.tx, key)
		if err != nil {
			return fmt.Errorf("create metric: %w", err)
		}
		made, err = c.save(ctx, key, version, text)
		if err != nil {
			return err
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.MetricCreated, Target: target(key), After: toldOf(text)})
	})
	return made, err
}

func (s *Service) checkKey(key string) error {
	switch {
	case !metric.ValidKey(key) || formula.IsFunction(key):
		return fault.Input("key", "A key has 1 to 60 small letters, digits and _, and begins with a letter. It is not the name of a function.")
	case s.catalog.Has(key):
		return fault.Input("key", "Tidemark has a metric of this key.")
	}
	return nil
}

// Update saves another version of a metric. Those that are made of it get a new version as well,
// if what it counts has changed; nothing is saved if one of them cannot be made of it any more.
func (s *Service) Update(ctx context.Context, key string, d Draft) (made *metric.Definition, err error) {
	err = s.change(ctx, func(c change) error {
		was := c.entries[key]
		if was == nil {
			return errNone
		}
		text, err := c.put(key, d)
		if err != nil {
			return err
		}
		dependents := c.dependents(key)
		if err := c.checkAll(dependents, key); err != nil {
			return err
		}
		queries := dbsqlc.New()
		version, err := queries.MetricDefinitionChange(ctx, c.tx, dbsqlc.MetricDefinitionChangeParams{Key: key, At: c.at})
		if err != nil {
			return fmt.Errorf("change metric: %w", err)
		}
		if made, err = c.save(ctx, key, version, text); err != nil {
			return err
		}
		if len(dependents) > 0 && !was.countsAs(c.entries[key]) {
			if err := queries.MetricDefinitionRenew(ctx, c.tx, dbsqlc.MetricDefinitionRenewParams{
				Keys: dependents, At: c.at, SavedBy: c.who.By(), Because: key,
			}); err != nil {
				return fmt.Errorf("renew what is made of a metric: %w", err)
			}
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.MetricChanged, Target: target(key), Before: toldOf(was.text), After: toldOf(text)})
	})
	return made, err
}

// put puts a draft into the book, if it fits in there and whoever saves it may read it.
func (c change) put(key string, d Draft) (text []byte, err error) {
	if problems := d.problems(); len(problems) > 0 {
		return nil, problems[0]
	}
	if text, err = c.book.put(key, d); err != nil {
		return nil, err
	}
	made, err := c.define(key)
	if err != nil {
		return nil, err
	}
	if !c.who.May(made.Permission) {
		return nil, access.Lacking(made.Permission)
	}
	return text, nil
}

// save keeps a version of what was put.
func (c change) save(ctx context.Context, key string, version int32, text []byte) (*metric.Definition, error) {
	e := c.entries[key]
	e.version = int(version)
	if err := dbsqlc.New().MetricDefinitionSave(ctx, c.tx, dbsqlc.MetricDefinitionSaveParams{
		Key: key, Version: version, Definition: text, Uses: e.uses(), At: c.at, SavedBy: c.who.By(),
	}); err != nil {
		return nil, fmt.Errorf("save version of metric: %w", err)
	}
	return c.define(key)
}

// Remove gives a metric up: nobody can ask for it any more. Its versions stay, and go on if one
// of the same key is created.
func (s *Service) Remove(ctx context.Context, key string) error {
	return s.change(ctx, func(c change) error {
		was := c.entries[key]
		if was == nil {
			return errNone
		}
		if by := c.madeOf(key); len(by) > 0 {
			return fault.Input("key", "Other metrics are made of it: %s.", strings.Join(by[:min(len(by), 10)], ", "))
		}
		if _, err := dbsqlc.New().MetricDefinitionRemove(ctx, c.tx, dbsqlc.MetricDefinitionRemoveParams{Key: key, At: c.at}); err != nil {
			return fmt.Errorf("remove metric: %w", err)
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.MetricRemoved, Target: target(key), Before: toldOf(was.text)})
	})
}

func target(key string) audit.Target { return audit.Target{Type: "metric", ID: key} }

// Versions gives pages of the versions of some metrics, the newest first, from the one before a
// number on: one more than asked for where others follow.
func (s *Service) Versions(ctx context.Context, keys []string, first, before int) (map[string][]Version, error) {
	who, err := access.Require(ctx, access.ReadSchema)
	if err != nil {
		return nil, err
	}
	if first < 1 || first > maxPage {
		return nil, fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	found := map[string][]Version{}
	for _, key := range keys {
		topic.Note(ctx, topic.Exactly(who.Tenant, topic.Metric, key))
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().MetricDefinitionVersions(ctx, tx, dbsqlc.MetricDefinitionVersionsParams{
			Keys: slices.Compact(slices.Sorted(slices.Values(keys))), Before: int32(before), Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read versions of metrics: %w", err)
		}
		for _, r := range rows {
			found[r.Key] = append(found[r.Key], Version{r.Key, int(r.Version), r.Definition, r.SavedAt.UTC(), r.SavedBy, r.EndedAt, r.Because})
		}
		return nil
	})
	return found, err
}
