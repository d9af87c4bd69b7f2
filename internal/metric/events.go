package metric

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// maxTypes is how many types a filter may name, and a breakdown may give.
const maxTypes = 1_000

// EventQuery asks for the events of a range, of some types or all.
type EventQuery struct {
	Ask
	Types []string // nil: all
}

func (q EventQuery) check() error {
	if len(q.Types) > maxTypes {
		return fault.Input("types", "At most %d types are allowed.", maxTypes)
	}
	return nil
}

// EventWindow makes the range of a query definite.
func (s *Service) EventWindow(ctx context.Context, q EventQuery) (w Window, err error) {
	if err := q.check(); err != nil {
		return Window{}, err
	}
	err = s.read(ctx, q.Ask, func(_ pgx.Tx, made Window) error {
		w = made
		return nil
	})
	return w, err
}

// EventCount counts the events of a range.
func (s *Service) EventCount(ctx context.Context, q EventQuery) (int, error) {
	count := 0
	err := s.read(ctx, q.Ask, func(tx pgx.Tx, w Window) error {
		t, err := countEventsOf(q.Types).read(ctx, tx, w.single(nil), "n")
		if err != nil {
			return err
		}
		count = int(t.Columns["n"][0][0])
		return nil
	})
	return count, err
}

// EventTimeline counts the events of each bucket of a range.
func (s *Service) EventTimeline(ctx context.Context, q EventQuery) (Series, error) {
	return s.series(ctx, q.Ask, countEventsOf(q.Types))
}

// TypeCounts are counts by type, as parallel lists, the most frequent first.
type TypeCounts struct {
	Types      []string
	Counts     []int
	TotalCount int // distinct types in the range, those not given included
}

// EventTypes counts the events of a range by type.
func (s *Service) EventTypes(ctx context.Context, q EventQuery, first int) (TypeCounts, error) {
	answer := TypeCounts{Types: []string{}, Counts: []int{}}
	if first < 1 || first > maxTypes {
		return answer, fault.Input("first", "Between 1 and %d are allowed.", maxTypes)
	}
	err := s.read(ctx, q.Ask, func(tx pgx.Tx, w Window) error {
		rows, err := countTypes(ctx, tx, w, q.Types, first)
		if err != nil {
			return fmt.Errorf("count events by type: %w", err)
		}
		for _, r := range rows {
			answer.Types = append(answer.Types, r.Type)
			answer.Counts = append(answer.Counts, int(r.N))
			answer.TotalCount = int(r.DistinctTypes)
		}
		return nil
	})
	return answer, err
}
