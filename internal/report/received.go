package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Received is a report that another tenant lets this one see.
type Received struct {
	ID       uuid.UUID // of the grant
	Name     string
	SharedBy string // the other tenant's name
	SharedAt time.Time

	owner     tenant.ID
	document  string
	variables []byte
	rows      *access.Rows
}

// Question is what is asked to answer a report, and as whom.
type Question struct {
	Document  string
	Variables []byte
	As        access.Principal
}

// Question asks as whoever the grant makes of its holder: somebody of the other tenant who may
// read its metrics, of the rows of the grant, and who is nobody else.
func (r Received) Question() Question {
	return Question{r.document, r.variables, access.Principal{
		Tenant: r.owner, Kind: access.ShareKind, ID: r.ID, Permissions: access.Of(access.ReadMetrics),
		Rows: r.rows, Narrow: "share/" + r.ID.String(),
	}}
}

func toReceived(r dbsqlc.SharedReportReceived) (Received, error) {
	rows, err := access.ParseRows(r.RowConditions)
	if err != nil {
		return Received{}, fmt.Errorf("read row conditions of share: %w", err)
	}
	return Received{r.ShareID, r.Name, r.SharedBy, r.SharedAt.UTC(), tenant.ID(r.OwnerID), r.Document, r.Variables, rows}, nil
}

// note says what an answer with a received report depends on: the grant, the report as it is,
// and what the other tenant is called.
func (r Received) note(ctx context.Context) {
	topic.Note(ctx, topic.All(r.owner, topic.Report))
	topic.Note(ctx, topic.Exactly(r.owner, topic.Tenant, ""))
}

// receiving says who reads what was shared with them. Who was let see named things alone, as
// by an embed token, was let see none of these.
func receiving(ctx context.Context) (access.Principal, error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err == nil && who.Embed != nil {
		err = errNone
	}
	if err == nil {
		topic.Note(ctx, topic.All(who.Tenant, topic.SharedReport))
	}
	return who, err
}

// FindReceived gives what another tenant shares; NOT_FOUND if it does not, or no longer.
func (s *Service) FindReceived(ctx context.Context, id uuid.UUID) (found Received, err error) {
	who, err := receiving(ctx)
	if err != nil {
		return found, err
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().ReportReceivedGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNone
		}
		if err != nil {
			return fmt.Errorf("read shared report: %w", err)
		}
		found, err = toReceived(row)
		found.note(ctx)
		return err
	})
	return found, err
}

// ListReceived gives a page of what others share with the tenant that asks, after one; nil:
// from the latest.
func (s *Service) ListReceived(ctx context.Context, first int, after *uuid.UUID) (page Page[Received], err error) {
	who, err := receiving(ctx)
	if err == nil {
		err = checkFirst(first)
	}
	if err != nil {
		return page, err
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().ReportReceivedPage(ctx, tx, dbsqlc.ReportReceivedPageParams{BeforeID: before(after), Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read shared reports: %w", err)
		}
		page.More = len(rows) > first
		for _, r := range rows[:min(first, len(rows))] {
			received, err := toReceived(r)
			if err != nil {
				return err
			}
			received.note(ctx)
			page.Items = append(page.Items, received)
		}
		return nil
	})
	return page, err
}
