package registry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// before turns a cursor that counts down into what the statement takes.
func before(cursor int64) int64 {
	if cursor == 0 {
		return math.MaxInt64
	}
	return cursor
}

// SchemaChange is something that changed about the events of a tenant.
type SchemaChange struct {
	ID         int64
	Change     ChangeKind
	EventType  string
	Property   *string
	Kind       *Kind
	Was        []Kind
	MessageID  string
	OccurredAt time.Time
	RecordedAt time.Time
}

// Changes lists what changed, the newest first, from the one before an id on.
func (s *Service) Changes(ctx context.Context, first int, beforeID int64, only []ChangeKind) (page PageOf[SchemaChange], err error) {
	if err := checkFirst(first); err != nil {
		return page, err
	}
	var changes []string
	for _, c := range only {
		changes = append(changes, string(c))
	}
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SchemaChangePage(ctx, tx, dbsqlc.SchemaChangePageParams{
			Before: before(beforeID), Changes: changes, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read page of schema changes: %w", err)
		}
		list := make([]SchemaChange, len(rows))
		for i, r := range rows {
			list[i] = schemaChangeOf(r)
		}
		page = cut(list, first)
		total, err := dbsqlc.New().SchemaChangeCount(ctx, tx, changes)
		page.Total = int(total)
		return err
	})
	return page, err
}

func schemaChangeOf(r dbsqlc.SchemaChangePageRow) SchemaChange {
	c := SchemaChange{
		ID: r.SchemaChangeID, Change: ChangeKind(r.Change), EventType: r.Type, Property: r.Property, Was: []Kind{},
		MessageID: r.MessageID, OccurredAt: r.OccurredAt.UTC(), RecordedAt: r.RecordedAt.UTC(),
	}
	if r.Kind != nil {
		kind := Kind(*r.Kind)
		c.Kind = &kind
	}
	for _, k := range r.Was {
		c.Was = append(c.Was, Kind(k))
	}
	return c
}

var errNothing = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

// Change finds one change, or NOT_FOUND.
func (s *Service) Change(ctx context.Context, id int64) (found *SchemaChange, err error) {
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().SchemaChangeGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("read schema change: %w", err)
		}
		c := schemaChangeOf(dbsqlc.SchemaChangePageRow(row))
		found = &c
		return nil
	})
	return found, err
}
