package event

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Cell is what rollups count by: a quarter hour, by its beginning, and a type.
type Cell struct {
	At   time.Time
	Type string
}

// Erase takes the events of identities between two instants out, and out of the figures, and
// tells how many there were. It runs in a transaction of the worker that holds the tenant's
// turn; ends does not count.
func Erase(ctx context.Context, tx pgx.Tx, id tenant.ID, starts, ends time.Time, identities []int64) (events int64, err error) {
	rows, err := dbsqlc.New().ErasureDeleteEvents(ctx, tx, dbsqlc.ErasureDeleteEventsParams{
		TenantID: id, Starts: starts, Ends: ends, IdentityIds: identities,
	})
	if err != nil {
		return 0, fmt.Errorf("delete events: %w", err)
	}
	cells := make(map[Cell]int64, len(rows))
	for _, r := range rows {
		cells[Cell{r.At, r.Type}] += r.N
		events += r.N
	}
	return events, Lower(ctx, tx, id, cells)
}

// Lower takes events that are gone out of the figures, by how many there were in each cell. It
// runs in a transaction of the worker that holds the tenant's turn.
func Lower(ctx context.Context, tx pgx.Tx, id tenant.ID, cells map[Cell]int64) error {
	if len(cells) == 0 {
		return nil
	}
	p := dbsqlc.ErasureLowerRollupsParams{TenantID: id}
	for c, n := range cells {
		p.Ats = append(p.Ats, c.At)
		p.Types = append(p.Types, c.Type)
		p.Counts = append(p.Counts, n)
	}
	if err := dbsqlc.New().ErasureLowerRollups(ctx, tx, p); err != nil {
		return fmt.Errorf("lower rollups: %w", err)
	}
	return nil
}
