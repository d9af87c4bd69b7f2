package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Share is that a tenant lets another see a report.
type Share struct {
	ID       uuid.UUID
	Report   uuid.UUID
	With     tenant.ID
	Rows     *access.Rows // nil: all that the report counts
	SharedAt time.Time
	EndedAt  *time.Time // nil: it holds
}

func toShare(r dbsqlc.ReportShareInsertRow) (Share, error) {
	rows, err := access.ParseRows(r.RowConditions)
	if err != nil {
		return Share{}, fmt.Errorf("read row conditions of share: %w", err)
	}
	return Share{r.ShareID, r.ReportID, tenant.ID(r.GranteeID), rows, r.SharedAt.UTC(), r.EndedAt}, nil
}

// Share lets another tenant see a report, narrowed to rows if any are given, until it is
// taken back. What it is told of is the report's name and answers, and who shares it.
func (s *Service) Share(ctx context.Context, id uuid.UUID, with tenant.ID, rows *access.Rows) (shared Share, err error) {
	who, err := access.Require(ctx, access.ShareReports)
	if err != nil {
		return shared, err
	}
	if with == who.Tenant {
		return shared, fault.Input("tenant", "A report is shared with another tenant.")
	}
	number, err := uuid.NewV7()
	if err != nil {
		return shared, fmt.Errorf("make id: %w", err)
	}
	params := dbsqlc.ReportShareInsertParams{ShareID: number, ReportID: id, GranteeID: uuid.UUID(with), SharedBy: who.By()}
	if rows != nil {
		params.RowConditions = []byte(rows.Key())
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		report, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		row, err := dbsqlc.New().ReportShareInsert(ctx, tx, params)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fault.Input("tenant", "The report is shared with this tenant already.")
		case postgres.Refused(err):
			return fault.New(fault.NotFound, "There is no such tenant.").In("tenant").Because(err)
		case err != nil:
			return fmt.Errorf("share report: %w", err)
		}
		if shared, err = toShare(row); err != nil {
			return err
		}
		return onBothSides(ctx, tx, who.Tenant, with, audit.Entry{
			Action: audit.ReportShared, Target: audit.Target{Type: "share", ID: number.String()}, After: told(report, who.Tenant, shared),
		})
	})
	return shared, err
}

// Unshare takes a report back: whoever watches it is answered NOT_FOUND at once.
func (s *Service) Unshare(ctx context.Context, id uuid.UUID) (ended Share, err error) {
	who, err := access.Require(ctx, access.ShareReports)
	if err != nil {
		return ended, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().ReportShareEnd(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNone
		}
		if err != nil {
			return fmt.Errorf("take report back: %w", err)
		}
		if ended, err = toShare(dbsqlc.ReportShareInsertRow(row)); err != nil {
			return err
		}
		report, err := get(ctx, tx, ended.Report)
		if err != nil {
			return err
		}
		return onBothSides(ctx, tx, who.Tenant, ended.With, audit.Entry{
			Action: audit.ReportUnshared, Target: audit.Target{Type: "share", ID: id.String()}, Before: told(report, who.Tenant, ended),
		})
	})
	return ended, err
}

func told(r Report, by tenant.ID, s Share) any {
	return map[string]string{"report": r.Name, "by": by.String(), "with": s.With.String(), "rows": s.Rows.Key()}
}

// onBothSides notes a grant with who gives it and with who gets it. The other side is not told
// who of the tenant it was, nor from where. Chains are taken in the order of their ids, so
// that two who share with each other do not wait in a circle.
func onBothSides(ctx context.Context, tx pgx.Tx, by, with tenant.ID, entry audit.Entry) error {
	sides := []struct {
		of  tenant.ID
		ctx context.Context
	}{{by, ctx}, {with, fault.WithClient(audit.WithActor(ctx, audit.Actor{Kind: audit.System, Name: "another tenant"}), fault.Client{})}}
	if bytes.Compare(with[:], by[:]) < 0 {
		sides[0], sides[1] = sides[1], sides[0]
	}
	for _, side := range sides {
		if err := dbsqlc.New().TenantEnter(ctx, tx, side.of.String()); err != nil {
			return fmt.Errorf("enter tenant: %w", err)
		}
		if err := audit.Write(side.ctx, tx, entry); err != nil {
			return err
		}
	}
	return nil
}

// maxShares is how many grants of a report are listed.
const maxShares = 1_000

// Shares lists the grants of a report that hold, the latest first.
func (s *Service) Shares(ctx context.Context, id uuid.UUID) (list []Share, err error) {
	who, err := access.Require(ctx, access.ShareReports)
	if err != nil {
		return nil, err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Report))
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().ReportShareList(ctx, tx, dbsqlc.ReportShareListParams{ReportID: id, Most: maxShares})
		if err != nil {
			return fmt.Errorf("read shares: %w", err)
		}
		list = make([]Share, len(rows))
		for i, r := range rows {
			if list[i], err = toShare(dbsqlc.ReportShareInsertRow(r)); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}
