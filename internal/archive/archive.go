// Package archive moves raw events that are past their tenant's retention out of the
// database into Parquet files, and brings them back. No event is dropped before the archive
// has been read back and found to hold it; stopped at any point, the next run goes on.
// Figures come from what was counted, which stays.
package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Options bound the archive's work. Zero values take the defaults.
type Options struct {
	PartEvents int    // events in one part, and so in one transaction that drops; default 1,000,000
	PageEvents int    // events read from the database, or brought back to it, at once; default 1,000
	TempDir    string // where parts lie while they are written or read; default that of the system
}

func (o Options) withDefaults() Options {
	if o.PartEvents <= 0 {
		o.PartEvents = 1_000_000
	}
	if o.PageEvents <= 0 {
		o.PageEvents = 1_000
	}
	return o
}

// Part is an object of the archive, as the manifest has it.
type Part = dbsqlc.ArchivePart

// Archive keeps the raw events of all tenants within their retention.
type Archive struct {
	worker  *postgres.Worker
	store   Store // nil: none is configured
	logger  *slog.Logger
	options Options
}

// New makes an archive. Without a store nothing is exported, and so nothing is dropped.
func New(worker *postgres.Worker, store Store, logger *slog.Logger, options Options) *Archive {
	return &Archive{worker: worker, store: store, logger: logger, options: options.withDefaults()}
}

var (
	errNoStore = fault.New(fault.Unavailable, "No archive is configured: TIDEMARK_ARCHIVE says where it is.")
	errBusy    = fault.New(fault.Unavailable, "Another process is at work on this tenant's archive. Try again later.")
	// errChanged says that what was written is no longer what is stored.
	errChanged = errors.New("events were erased or taken away meanwhile")
)

// alone runs fn while no other process works on the tenant's archive. Should the lock be
// lost on the way, objects and states are still safe: each object is written once, and
// each step takes a part on from the state in which it was left, or does nothing.
func (a *Archive) alone(ctx context.Context, id tenant.ID, fn func(ctx context.Context) error) error {
	var failed error
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
		ours, err := dbsqlc.New().ArchiveTryLock(ctx, tx, id.String())
		if err != nil {
			return fmt.Errorf("lock archive: %w", err)
		}
		if !ours {
			return errBusy
		}
		failed = fn(ctx)
		return nil
	})
	return errors.Join(failed, err)
}

// tidy removes what was begun and not finished, and what has been replaced, and then
// follows the erasures, so that whatever comes next has none of theirs.
func (a *Archive) tidy(ctx context.Context, id tenant.ID) error {
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
		_, err := dbsqlc.New().ArchivePartDiscardUnfinished(ctx, tx, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("discard unfinished parts: %w", err)
	}
	if err := a.purge(ctx, id); err != nil {
		return err
	}
	return a.erase(ctx, id)
}

// purge removes the objects of discarded parts, and then forgets the parts.
func (a *Archive) purge(ctx context.Context, id tenant.ID) error {
	queries := dbsqlc.New()
	var parts []Part
	err := a.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		parts, err = queries.ArchivePartListDiscarded(ctx, tx, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("list discarded parts: %w", err)
	}
	if len(parts) > 0 && a.store == nil {
		return errNoStore
	}
	for _, p := range parts {
		if err := a.store.Remove(ctx, p.Path); err != nil {
			return fmt.Errorf("remove %s: %w", p.Path, err)
		}
		err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
			return queries.ArchivePartForget(ctx, tx, dbsqlc.ArchivePartForgetParams{TenantID: p.TenantID, Month: p.Month, Part: p.Part})
		})
		if err != nil {
			return fmt.Errorf("forget %s: %w", p.Path, err)
		}
	}
	return nil
}

// discard gives a part up: its object goes with the next purge.
func (a *Archive) discard(ctx context.Context, p Part) error {
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error { return discardIn(ctx, tx, p) })
	if err != nil {
		return fmt.Errorf("discard %s: %w", p.Path, err)
	}
	return nil
}

func discardIn(ctx context.Context, tx pgx.Tx, p Part) error {
	_, err := dbsqlc.New().ArchivePartDiscard(ctx, tx, dbsqlc.ArchivePartDiscardParams{TenantID: p.TenantID, Month: p.Month, Part: p.Part})
	return err
}

// one turns the count of a step's rows into an error, if it was not ours to take.
func one(rows int64, err error) error {
	if err == nil && rows != 1 {
		return errors.New("the part is no longer in the state in which it was left")
	}
	return err
}
