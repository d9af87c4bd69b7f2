// Package journey tells what units do one thing after the other: who comes back, who gets how
// far, which ways they take, and how they come and go. It is worked out of their histories,
// event by event; the definitions are those of the schema, to the letter.
package journey

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Unit is what is counted.
type Unit string

// The units, as in the schema's enum JourneyUnit.
const (
	Users    Unit = "USER"
	Accounts Unit = "ACCOUNT"
)

// AllUnits lists the units in the order of the schema.
func AllUnits() []Unit { return []Unit{Users, Accounts} }

func (u Unit) of() (history.Unit, error) {
	switch u {
	case Users:
		return history.Persons, nil
	case Accounts:
		return history.Accounts, nil
	}
	return 0, fault.Input("unit", "There is no such unit.")
}

// Events are those that count as something: of some types, and of these the ones that pass a
// filter.
type Events struct {
	Field  string   // where they stand in what was asked
	Types  []string // nil: whatever somebody did
	Filter *metric.Filter
}

// Service answers from histories.
type Service struct {
	metrics   *metric.Service
	histories *history.Store
}

// NewService makes the service.
func NewService(metrics *metric.Service, histories *history.Store) *Service {
	return &Service{metrics, histories}
}

// Provenance says how current and how certain an answer is.
type Provenance struct {
	Range     metric.Range
	Zone      string
	Watermark time.Time
	Exact     bool
}

func provenance(w metric.Window, exact bool) Provenance {
	return Provenance{metric.Range{From: w.From, To: w.To}, w.Zone.String(), w.Watermark, exact}
}

// tries is how often histories are read anew for one answer, where others take the room.
const tries = 3

// snapshot opens a snapshot once the histories are there.
func (s *Service) snapshot(ctx context.Context, fn func(metric.Snapshot) error) error {
	who, err := access.RequireUnembedded(ctx, access.ReadMetrics)
	if err != nil {
		return err
	}
	for range tries {
		if err := s.histories.Ready(ctx, who); err != nil {
			return err
		}
		if err := s.metrics.Snapshot(ctx, fn); !errors.Is(err, history.ErrAway) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "The histories had to make room for others. Try again.")
}

// scene is a snapshot with the histories in it.
type scene struct {
	metric.Snapshot
	kind    history.Unit // whose histories they are
	columns *history.Columns
	sides   map[metric.Dimension]side
	members map[int64]map[int64]bool // of the cohorts that are named, the persons
}

// play reads the histories of a unit, with what events and groups are told by, for fn.
func (s *Service) play(ctx context.Context, shot metric.Snapshot, unit Unit, of []Events, by []metric.Dimension, fn func(*scene) error) error {
	kind, err := unit.of()
	if err != nil {
		return err
	}
	sc := &scene{Snapshot: shot, kind: kind, sides: map[metric.Dimension]side{}}
	needs, err := sc.needs(ctx, of, by)
	if err != nil {
		return err
	}
	if err := sc.findMembers(ctx, of, by); err != nil {
		return err
	}
	return s.histories.Read(ctx, shot.Tx(), shot.Who(), kind, needs, func(c *history.Columns) error {
		sc.columns = c
		return fn(sc)
	})
}
