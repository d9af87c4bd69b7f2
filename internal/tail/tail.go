// Package tail tells a tenant's events as they are stored: in that order, each once, with a
// cursor to go on by. What comes faster than a reader wishes or takes is sampled evenly, and
// counted: after any fault, what was told and what was left out are what was stored.
package tail

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// The bounds of a stream.
const (
	maxBatch  = 100    // events of one batch
	maxRate   = 1_000  // events a second
	maxValues = 100    // of each part of a filter
	maxBehind = 10_000 // events that are given behind a cursor in one go
	goodFor   = 24 * time.Hour
)

// Filter says which events are told: those that meet all of it. Nil lists are met by all.
type Filter struct {
	Types, UserIDs, GroupIDs []string
	GroupType                string
}

// Query asks for a stream.
type Query struct {
	Filter Filter
	After  *string // a batch's cursor; nil: from now on
	Rate   int     // events a second, at most
}

// Batch is a part of a stream.
type Batch struct {
	Events  []event.Event // in the order in which they were stored
	Cursor  string        // where it ends
	Skipped int           // how many that meet the filter were left out since the batch before
}

// Service gives streams of events.
type Service struct {
	app    *postgres.App
	reader *event.Reader
	logger *slog.Logger

	mu      sync.Mutex
	watches map[tenant.ID]*watch // of tenants that have streams
}

// NewService makes a service. Whoever listens for changes tells it of them by Changed and Gap.
func NewService(app *postgres.App, logger *slog.Logger) *Service {
	return &Service{app: app, reader: event.NewReader(app), logger: logger, watches: map[tenant.ID]*watch{}}
}

// Follow begins a stream, which ends with ctx. Its first batch is empty, and says where it
// begins. A batch is taken from the channel before the next is read, so that a slow reader
// holds up nobody, and no more than a batch is kept.
func (s *Service) Follow(ctx context.Context, q Query) (<-chan *Batch, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	if err := q.check(who); err != nil {
		return nil, err
	}
	watch, wake := s.join(who.Tenant)
	st := &stream{service: s, watch: watch, wake: wake, query: q, batches: make(chan *Batch)}
	if err := st.begin(ctx); err != nil {
		s.leave(watch, wake)
		return nil, err
	}
	go st.run(ctx) // which the stream's ctx ends
	return st.batches, nil
}

func (q Query) check(who access.Principal) error {
	if q.Rate < 1 || q.Rate > maxRate {
		return fault.Input("maxRate", "Between 1 and %d events a second are allowed.", maxRate)
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"types", q.Filter.Types}, {"userIds", q.Filter.UserIDs}, {"groupIds", q.Filter.GroupIDs}} {
		if len(list.values) > maxValues {
			return fault.Input("filter."+list.name, "At most %d are allowed.", maxValues)
		}
	}
	// Else who may not see users finds by guessing whose events there are.
	if q.Filter.UserIDs != nil && !who.May(access.ReadPII) {
		return access.Lacking(access.ReadPII).In("filter.userIds")
	}
	return nil
}
