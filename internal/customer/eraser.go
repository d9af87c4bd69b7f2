package customer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// steps bound an erasure's transactions: none holds the tenant's turn for long.
type steps struct {
	erasures int64 // in one run
	seen     int64 // events looked at in one step, outside of the turn
	events   int   // taken out in one transaction, within it
	changes  int64 // of traits, in one transaction
}

var usualSteps = steps{erasures: 100, seen: 50_000, events: 2_000, changes: 5_000}

// Eraser does what erasures were asked for: it forgets the person, and then takes their events
// out step by step, each step together with what its events counted for, so that the figures
// equal a recount all the way. Stopped at any place, it begins again and finds what is left;
// several may run.
type Eraser struct {
	worker *postgres.Worker
	steps  steps
}

// NewEraser makes an eraser.
func NewEraser(worker *postgres.Worker) *Eraser { return &Eraser{worker, usualSteps} }

// Erase finishes all erasures that were asked for. One that fails does not keep the others.
func (e *Eraser) Erase(ctx context.Context) error {
	running, err := e.list(ctx)
	if err != nil {
		return err
	}
	var problems []error
	// First all of them are forgotten, which is quick, and then the events are looked for.
	for _, r := range running {
		if r.Forgotten {
			continue
		}
		if err := e.begin(ctx, r.TenantID, r.ErasureID); err != nil {
			problems = append(problems, fmt.Errorf("forget the person of erasure %s: %w", r.ErasureID, err))
		}
	}
	running, err = e.list(ctx)
	problems = append(problems, err)
	for _, r := range running {
		if !r.Forgotten {
			continue // it failed, and is tried again
		}
		if err := e.finish(ctx, r); err != nil {
			problems = append(problems, fmt.Errorf("finish erasure %s: %w", r.ErasureID, err))
		}
	}
	return errors.Join(problems...)
}

func (e *Eraser) list(ctx context.Context) (running []dbsqlc.ErasureListRunningRow, err error) {
	err = e.worker.InTx(ctx, func(tx pgx.Tx) error {
		running, err = dbsqlc.New().ErasureListRunning(ctx, tx, e.steps.erasures)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list erasures: %w", err)
	}
	return running, nil
}

func (e *Eraser) finish(ctx context.Context, r dbsqlc.ErasureListRunningRow) error {
	at, id, more := time.Time{}, int64(0), true
	for more {
		page, err := e.find(ctx, r, at, id)
		if err != nil {
			return fmt.Errorf("find events: %w", err)
		}
		for some := range slices.Chunk(page.Ats, e.steps.events) {
			if err := e.delete(ctx, r, some[0], some[len(some)-1]); err != nil {
				return err
			}
		}
		at, id, more = page.LastAt, page.LastID, page.Seen == e.steps.seen
	}
	if err := e.deleteChanges(ctx, r); err != nil {
		return fmt.Errorf("delete history: %w", err)
	}
	return e.worker.InTx(ctx, func(tx pgx.Tx) error {
		return dbsqlc.New().ErasureEndDatabase(ctx, tx, dbsqlc.ErasureEndDatabaseParams{TenantID: r.TenantID, ErasureID: r.ErasureID})
	})
}

func (e *Eraser) find(ctx context.Context, r dbsqlc.ErasureListRunningRow, at time.Time, id int64) (page dbsqlc.ErasureFindEventsRow, err error) {
	err = e.worker.InTx(ctx, func(tx pgx.Tx) error {
		page, err = dbsqlc.New().ErasureFindEvents(ctx, tx, dbsqlc.ErasureFindEventsParams{
			TenantID: r.TenantID, AfterAt: at, AfterID: id, IdentityIds: r.IdentityIds, Most: e.steps.seen,
		})
		return err
	})
	return page, err
}

func (e *Eraser) delete(ctx context.Context, r dbsqlc.ErasureListRunningRow, first, last time.Time) error {
	return e.worker.InTx(ctx, func(tx pgx.Tx) error {
		if err := dbsqlc.New().ErasureTakeTurn(ctx, tx, uuid.UUID(r.TenantID)); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		after := last.Add(time.Microsecond) // the next instant that PostgreSQL has
		events, err := event.Erase(ctx, tx, r.TenantID, first, after, r.IdentityIds)
		if err != nil {
			return err
		}
		return dbsqlc.New().ErasureAddEvents(ctx, tx, dbsqlc.ErasureAddEventsParams{
			TenantID: r.TenantID, ErasureID: r.ErasureID, Events: events,
		})
	})
}

func (e *Eraser) deleteChanges(ctx context.Context, r dbsqlc.ErasureListRunningRow) error {
	for deleted := e.steps.changes; deleted == e.steps.changes; {
		err := e.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			deleted, err = dbsqlc.New().ErasureDeleteTraitChanges(ctx, tx, dbsqlc.ErasureDeleteTraitChangesParams{
				TenantID: r.TenantID, IdentityIds: r.IdentityIds, Most: e.steps.changes,
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
