package archive

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxPage is how many parts one page may have.
const maxPage = 500

// Position is where a part stands among its tenant's: by month, and by number.
type Position struct {
	Month calendar.Date
	Part  int64
}

// PositionOf is where a part stands.
func PositionOf(p Part) Position { return Position{p.Month, p.Part} }

// Page is a part of the list of parts.
type Page struct {
	Parts []Part
	More  bool // whether earlier ones follow
}

// Reader reads a tenant's own manifest.
type Reader struct{ app *postgres.App }

// NewReader makes a reader.
func NewReader(app *postgres.App) *Reader { return &Reader{app} }

// Page lists parts, the latest month first.
func (r *Reader) Page(ctx context.Context, first int, after *Position) (page Page, err error) {
	if first < 1 || first > maxPage {
		return page, fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	before := Position{lastMonth, math.MaxInt64}
	if after != nil {
		before = *after
	}
	err = r.read(ctx, func(tx pgx.Tx) error {
		parts, err := dbsqlc.New().ArchivePartPage(ctx, tx, dbsqlc.ArchivePartPageParams{
			BeforeMonth: before.Month, BeforePart: before.Part, Most: int64(first) + 1, // one more tells whether more follow
		})
		page = Page{Parts: parts[:min(len(parts), first)], More: len(parts) > first}
		return err
	})
	return page, err
}

// Count counts the parts.
func (r *Reader) Count(ctx context.Context) (n int64, err error) {
	err = r.read(ctx, func(tx pgx.Tx) error {
		n, err = dbsqlc.New().ArchivePartCount(ctx, tx)
		return err
	})
	return n, err
}

// ByPositions finds several parts at once. What is not this tenant's is not found.
func (r *Reader) ByPositions(ctx context.Context, positions []Position) (map[Position]Part, error) {
	var keys dbsqlc.ArchivePartListByKeysParams
	for _, p := range positions {
		keys.Months, keys.Parts = append(keys.Months, p.Month), append(keys.Parts, p.Part)
	}
	found := make(map[Position]Part, len(positions))
	err := r.read(ctx, func(tx pgx.Tx) error {
		parts, err := dbsqlc.New().ArchivePartListByKeys(ctx, tx, keys)
		for _, p := range parts {
			found[PositionOf(p)] = p
		}
		return err
	})
	return found, err
}

func (r *Reader) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ReadSchema)
	if err != nil {
		return err
	}
	// A change of the archive is announced as one of the tenant.
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Tenant, ""))
	if err := r.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read archive's manifest: %w", err)
	}
	return nil
}
