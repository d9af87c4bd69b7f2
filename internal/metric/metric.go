// Package metric answers what a figure is for any range, zone and interval, exactly and
// as of now. Closed days that nothing has touched since they were materialized come from
// their view, and everything else from the rollups that were written with the events; so
// a refresh changes what an answer costs, and never what it says.
package metric

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// Unit is what a value is a number of.
type Unit string

// The units, as in the schema's enum MetricUnit.
const (
	UnitEvents Unit = "EVENTS"
	UnitUsers  Unit = "USERS"
)

// Definition is a metric of the catalog.
type Definition struct {
	Key         string
	Name        string
	Description string
	Unit        Unit
	Additive    bool // whether buckets add up to their total
	Raw         bool // whether the edges of a range are counted from raw events
	Version     int  // one more whenever it comes to count something else

	// fromFirst says that a figure depends on all that was before its range.
	fromFirst bool
	count     counters
}

// catalog lists the metrics in the order in which they are shown.
var catalog = []*Definition{
	{
		Key: "events", Name: "Events", Unit: UnitEvents, Additive: true, Raw: true, Version: 1,
		Description: "How many events happened: each message counts once, however often it was sent.",
		count:       counters{countEvents, countSeenEvents},
	},
	{
		Key: "active_users", Name: "Active users", Unit: UnitUsers, Raw: true, Version: 1,
		Description: "How many distinct users did at least one event. Somebody active in two buckets is in both, and once in their total.",
		count:       counters{countActiveUsers, countSeenActiveUsers},
	},
	{
		Key: "new_users", Name: "New users", Unit: UnitUsers, Additive: true, Version: 1, fromFirst: true,
		Description: "How many users did the first event of their life.",
		count:       counters{countNewUsers, countSeenNewUsers},
	},
}

// Catalog lists the metrics in the order in which they are shown.
func Catalog() []*Definition { return catalog }

// Find returns the metric of a key, or NOT_FOUND.
func Find(key string) (*Definition, error) {
	for _, d := range catalog {
		if d.Key == key {
			return d, nil
		}
	}
	return nil, errNoMetric
}

var errNoMetric = fault.New(fault.NotFound, "There is no metric of this key. The query metrics lists those that there are.").In("key")

// Service answers queries for metrics.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// Value is one figure for a whole range.
type Value struct {
	Window
	Value *float64 // null for a ratio or an average of nothing
	Exact bool
}

// Complete reports whether the range ended at or before the watermark.
func (v Value) Complete() bool { return !v.To.After(v.Watermark) }

// Series is a figure for each bucket of a range, as parallel lists.
type Series struct {
	Window
	At       []time.Time
	Values   []*float64
	Complete []bool
	Exact    bool
}

// Value answers for a whole range.
func (s *Service) Value(ctx context.Context, d *Definition, ask Ask) (Value, error) {
	var answer Value
	if _, err := FindShown(ctx, d.Key); err != nil {
		return answer, err
	}
	err := s.read(ctx, ask, func(tx pgx.Tx, w Window) error {
		counts := make([]float64, 1)
		err := d.count.of(w)(ctx, tx, w.cover(w.whole()), counts)
		answer = Value{Window: w, Value: &counts[0], Exact: d.exact(w)}
		return err
	})
	return answer, err
}

// Series answers for each bucket of a range.
func (s *Service) Series(ctx context.Context, d *Definition, ask Ask) (Series, error) {
	if _, err := FindShown(ctx, d.Key); err != nil {
		return Series{}, err
	}
	series, err := s.series(ctx, ask, d.count)
	series.Exact = d.exact(series.Window)
	return series, err
}

// exact reports whether the metric's figures of a window are. For a caller who sees some rows
// alone they are all counted from raw events, and those may be in the archive.
func (d *Definition) exact(w Window) bool {
	switch {
	case w.narrowed && d.fromFirst:
		return w.RawSince() == nil
	case w.narrowed || d.Raw:
		return w.Exact()
	}
	return true
}

func (s *Service) series(ctx context.Context, ask Ask, count counters) (Series, error) {
	var answer Series
	err := s.read(ctx, ask, func(tx pgx.Tx, w Window) error {
		buckets, err := w.buckets(ask.Interval)
		if err != nil {
			return err
		}
		w.noteNextClose(ctx, buckets)
		counts := make([]float64, len(buckets))
		if err := count.of(w)(ctx, tx, w.cover(buckets), counts); err != nil {
			return err
		}
		answer = w.series(buckets, counts)
		return nil
	})
	return answer, err
}
