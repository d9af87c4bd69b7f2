package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Erase follows the erasures that are pending, for every tenant that no other process is
// at. Stopped at any point, the next run goes on; done twice, it does nothing.
func (a *Archive) Erase(ctx context.Context) error {
	var tenants []tenant.ID
	err := a.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		tenants, err = dbsqlc.New().ErasureListTenants(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("list tenants with erasures: %w", err)
	}
	var failures []error
	for _, id := range tenants {
		err := a.alone(ctx, id, func(ctx context.Context) error { return a.tidy(ctx, id) })
		if !errors.Is(err, errBusy) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (a *Archive) erasures(ctx context.Context, id tenant.ID) (list []dbsqlc.ErasureListPendingRow, err error) {
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		list, err = dbsqlc.New().ErasureListPending(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list erasures: %w", err)
	}
	return list, nil
}

// erase follows all of a tenant's erasures at once: each part is read once for all of them,
// and written anew if it has events of theirs.
func (a *Archive) erase(ctx context.Context, id tenant.ID) error {
	list, err := a.erasures(ctx, id)
	if err != nil || len(list) == 0 {
		return err
	}
	wanted, done := map[int64]uuid.UUID{}, make([]uuid.UUID, len(list))
	for i, e := range list {
		done[i] = e.ErasureID
		for _, identity := range e.IdentityIds {
			wanted[identity] = e.ErasureID
		}
	}
	parts, err := a.Parts(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := a.erasePart(ctx, p, wanted); err != nil {
			return fmt.Errorf("erase from %s: %w", p.Path, err)
		}
	}
	// An erasure is done once the objects that had its events are gone.
	if err := a.purge(ctx, id); err != nil {
		return err
	}
	return a.worker.InTx(ctx, func(tx pgx.Tx) error {
		return dbsqlc.New().ErasureFinish(ctx, tx, dbsqlc.ErasureFinishParams{TenantID: id, ErasureIds: done})
	})
}

// erasePart writes a part anew without the events of the wanted identities, if it has any.
func (a *Archive) erasePart(ctx context.Context, p Part, wanted map[int64]uuid.UUID) error {
	return a.withRead(ctx, p, func(file *os.File) error {
		erased, err := countOf(file, wanted)
		if err != nil || len(erased.events) == 0 {
			return err
		}
		anew, err := a.begin(ctx, p.TenantID, p.Month)
		if err != nil {
			return err
		}
		return a.publish(ctx, &anew, without(file, wanted), func(*os.File) error {
			return a.replace(ctx, p, anew, wanted, erased)
		})
	})
}

// tally is what a file has of the wanted identities: events by erasure, and as the rollups
// count them.
type tally struct {
	events map[uuid.UUID]int64
	cells  map[event.Cell]int64
}

func countOf(file *os.File, wanted map[int64]uuid.UUID) (tally, error) {
	t := tally{map[uuid.UUID]int64{}, map[event.Cell]int64{}}
	err := eachBatch(file, func(rows []who) error {
		for _, r := range rows {
			if r.IdentityID == nil {
				continue
			}
			if erasure, ok := wanted[*r.IdentityID]; ok {
				t.events[erasure]++
				t.cells[event.Cell{At: calendar.FloorSlot(instant(r.OccurredAt)), Type: r.Type}]++
			}
		}
		return nil
	})
	return t, err
}

// without is the rows of a file but those of the wanted identities.
func without(file *os.File, wanted map[int64]uuid.UUID) source {
	return func(ctx context.Context, to *fileWriter) error {
		return eachBatch(file, func(rows []row) error {
			kept := make([]row, 0, len(rows))
			for _, r := range rows {
				if r.IdentityID != nil {
					if _, ok := wanted[*r.IdentityID]; ok {
						continue
					}
				}
				kept = append(kept, r)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return to.write(kept)
		})
	}
}

// replace puts a part in another's place. What only the archive had goes out of the figures;
// what has been restored since the database was cleared goes from there, figures included.
func (a *Archive) replace(ctx context.Context, was, anew Part, wanted map[int64]uuid.UUID, erased tally) error {
	queries := dbsqlc.New()
	starts, ends := span(was.Month)
	return a.worker.InTx(ctx, func(tx pgx.Tx) error {
		// The tenant's turn: its batches meet on the same rollups.
		if err := queries.ErasureTakeTurn(ctx, tx, uuid.UUID(was.TenantID)); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		err := one(queries.ArchivePartReplace(ctx, tx, dbsqlc.ArchivePartReplaceParams{
			TenantID: was.TenantID, Month: was.Month, Part: anew.Part, Was: was.Part,
		}))
		if err != nil {
			return err
		}
		if err := discardIn(ctx, tx, was); err != nil {
			return err
		}
		_, err = event.Erase(ctx, tx, was.TenantID, starts, ends, slices.Collect(maps.Keys(wanted)))
		if err != nil || was.State != dbsqlc.ArchiveStateDropped {
			return err // the others' events were in the database as well, and counted there
		}
		return lower(ctx, tx, was.TenantID, erased)
	})
}

// lower takes events that only the archive had out of the figures, and counts them.
func lower(ctx context.Context, tx pgx.Tx, id tenant.ID, erased tally) error {
	if err := event.Lower(ctx, tx, id, erased.cells); err != nil {
		return err
	}
	for erasure, events := range erased.events {
		err := dbsqlc.New().ErasureAddEvents(ctx, tx, dbsqlc.ErasureAddEventsParams{TenantID: id, ErasureID: erasure, Events: events})
		if err != nil {
			return fmt.Errorf("count erased events: %w", err)
		}
	}
	return nil
}
