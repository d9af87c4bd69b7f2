package archive

import (
	"context"
	"errors"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Damage is a part that the archive does not have as it should.
type Damage struct {
	Part Part
	Why  error
}

// lastMonth is after every month that there can be.
var lastMonth = calendar.NewDate(9999, 1, 1)

// Parts lists what the archive has of a tenant, the earliest month first.
func (a *Archive) Parts(ctx context.Context, id tenant.ID) ([]Part, error) {
	return a.parts(ctx, dbsqlc.ArchivePartListParams{TenantID: id, LastMonth: lastMonth})
}

// Verify reads all parts of a tenant back, and lists those that are damaged. An error means
// that it could not look.
func (a *Archive) Verify(ctx context.Context, id tenant.ID, report func(done, total int)) ([]Damage, error) {
	parts, err := a.Parts(ctx, id)
	if err != nil {
		return nil, err
	}
	var found []Damage
	done, total := 0, eventsOf(parts)
	for _, p := range parts {
		err := a.withRead(ctx, p, func(*os.File) error { return nil })
		switch {
		case errors.Is(err, errDamaged):
			replaced, err2 := a.replaced(ctx, p)
			if err2 != nil {
				return found, err2
			}
			if !replaced {
				found = append(found, Damage{p, err})
			}
		case err != nil:
			return found, err
		}
		done += int(p.Events)
		report(done, total)
	}
	return found, nil
}

// replaced reports whether a part has been written anew while it was read.
func (a *Archive) replaced(ctx context.Context, p Part) (replaced bool, err error) {
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().ArchivePartGet(ctx, tx, dbsqlc.ArchivePartGetParams{TenantID: p.TenantID, Month: p.Month, Part: p.Part})
		replaced = errors.Is(err, pgx.ErrNoRows) || err == nil && now.State == dbsqlc.ArchiveStateDiscarded
		if replaced {
			return nil
		}
		return err
	})
	return replaced, err
}
