package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Export takes a tenant's log out, or a span of it.
type Export struct {
	Tenant   tenant.ID
	From, To *time.Time // the first instant, and the first that is past it; nil: of all time
	Format   Format
}

// Check lets a span be one.
func (x Export) Check() error {
	if x.From != nil && x.To != nil && !x.From.Before(*x.To) {
		return fault.Input("to", "The end must come after the beginning.")
	}
	return nil
}

// Run notes the export in the log, and gives the entries page by page, the oldest first, up
// to that note.
func (x Export) Run(ctx context.Context, inTx InTx, give func(page []Record) error) error {
	if err := x.Check(); err != nil {
		return err
	}
	last, err := x.begin(ctx, inTx)
	if err != nil {
		return err
	}
	params := dbsqlc.AuditEntryAfterParams{TenantID: x.Tenant, LastSeq: last, Since: x.From, Until: x.To}
	if err := read(ctx, inTx, params, give); err != nil {
		return fmt.Errorf("export audit log: %w", err)
	}
	return nil
}

func (x Export) begin(ctx context.Context, inTx InTx) (last int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	entry := Entry{
		Action: AuditExported, Target: Target{Type: "audit"}, Tenant: x.Tenant,
		After: map[string]any{"from": x.From, "to": x.To, "format": x.Format},
	}
	write := Write
	if x.Tenant == tenant.None {
		write = WriteSystem
	}
	err = inTx(ctx, func(tx pgx.Tx) error {
		if err := write(ctx, tx, entry); err != nil {
			return err
		}
		last, err = dbsqlc.New().AuditEntryLast(ctx, tx, x.Tenant)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("begin export of audit log: %w", err)
	}
	return last, nil
}
