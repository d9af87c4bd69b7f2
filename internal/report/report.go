// Package report keeps the queries that a tenant has named, and lets other tenants see what
// one of them answers, by grants that say to whom and for which rows. A grant shows a report's
// answers and nothing else of the tenant that made it.
package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Report is a query that a tenant keeps.
type Report struct {
	ID        uuid.UUID
	Name      string
	Document  string // GraphQL, with one query
	Variables []byte // a JSON object
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Draft is a report to be saved. Its document was found fit to be one.
type Draft struct {
	ID        *uuid.UUID // of the report that it changes; nil: a new one
	Name      string
	Document  string
	Variables []byte // a JSON object; nil: none
}

// The bounds of reports.
const (
	maxReports   = 500    // of a tenant
	maxDocument  = 20_000 // characters
	maxVariables = 10_000 // bytes of JSON
	maxPage      = 100
)

// Service saves reports, and shares them.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// Page is a part of a list, the latest made first.
type Page[T any] struct {
	Items []T
	More  bool // whether others follow
}

var errNone = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

func toReport(r dbsqlc.ReportGetRow) Report {
	return Report{r.ReportID, r.Name, r.Document, r.Variables, r.CreatedAt.UTC(), r.UpdatedAt.UTC()}
}

func (d *Draft) check() error {
	if n := utf8.RuneCountInString(d.Name); n < 1 || n > 200 || !utf8.ValidString(d.Name) || strings.ContainsRune(d.Name, 0) {
		return fault.Input("name", "A name of 1 to 200 characters is needed.")
	}
	if utf8.RuneCountInString(d.Document) > maxDocument || strings.ContainsRune(d.Document, 0) {
		return fault.Input("document", "A document has at most %d characters.", maxDocument)
	}
	if len(d.Variables) > maxVariables {
		return fault.Input("variables", "Variables have at most %d bytes as JSON.", maxVariables)
	}
	if d.Variables == nil {
		d.Variables = []byte("{}")
	}
	return nil
}

// Save keeps a new report, or changes one; NOT_FOUND if that is not there.
func (s *Service) Save(ctx context.Context, d Draft) (saved Report, err error) {
	who, err := access.Require(ctx, access.EditReports)
	if err != nil {
		return saved, err
	}
	if err := d.check(); err != nil {
		return saved, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		entry := audit.Entry{Action: audit.ReportCreated}
		if d.ID == nil {
			saved, err = insert(ctx, tx, who, d)
		} else {
			entry.Action = audit.ReportChanged
			entry.Before, saved, err = update(ctx, tx, who, d)
		}
		if err != nil {
			return err
		}
		entry.Target, entry.After = target(saved.ID), kept(saved)
		return audit.Write(ctx, tx, entry)
	})
	return saved, err
}

func insert(ctx context.Context, tx pgx.Tx, who access.Principal, d Draft) (Report, error) {
	queries := dbsqlc.New()
	if n, err := queries.ReportCount(ctx, tx); err != nil || n >= maxReports {
		if err == nil {
			err = fault.Newf(fault.BadUserInput, "There are %d reports, and no more are kept. Delete one.", maxReports)
		}
		return Report{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Report{}, fmt.Errorf("make id: %w", err)
	}
	row, err := queries.ReportInsert(ctx, tx, dbsqlc.ReportInsertParams{
		ReportID: id, Name: d.Name, Document: d.Document, Variables: d.Variables, SavedBy: who.By(),
	})
	if err != nil {
		return Report{}, fmt.Errorf("save report: %w", err)
	}
	return toReport(dbsqlc.ReportGetRow(row)), nil
}

func update(ctx context.Context, tx pgx.Tx, who access.Principal, d Draft) (before any, saved Report, err error) {
	was, err := get(ctx, tx, *d.ID)
	if err != nil {
		return nil, saved, err
	}
	row, err := dbsqlc.New().ReportUpdate(ctx, tx, dbsqlc.ReportUpdateParams{
		ReportID: *d.ID, Name: d.Name, Document: d.Document, Variables: d.Variables, SavedBy: who.By(),
	})
	if err != nil {
		return nil, saved, fmt.Errorf("change report: %w", err)
	}
	return kept(was), toReport(dbsqlc.ReportGetRow(row)), nil
}

func get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Report, error) {
	row, err := dbsqlc.New().ReportGet(ctx, tx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Report{}, errNone
	}
	if err != nil {
		return Report{}, fmt.Errorf("read report: %w", err)
	}
	return toReport(row), nil
}

func target(id uuid.UUID) audit.Target { return audit.Target{Type: "report", ID: id.String()} }

func kept(r Report) any { return map[string]string{"name": r.Name, "document": r.Document} }

// Delete gives a report up. One that is shared has to be taken back first.
func (s *Service) Delete(ctx context.Context, id uuid.UUID) error {
	who, err := access.Require(ctx, access.EditReports)
	if err != nil {
		return err
	}
	return s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		was, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		removed, err := dbsqlc.New().ReportRemove(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("delete report: %w", err)
		}
		if removed == 0 {
			return fault.Input("id", "This report is shared with other tenants. Take that back first.")
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.ReportRemoved, Target: target(id), Before: kept(was)})
	})
}

// Find gives a report of the tenant that asks; NOT_FOUND if it is not there.
func (s *Service) Find(ctx context.Context, id uuid.UUID) (found Report, err error) {
	who, err := s.reading(ctx)
	if err != nil {
		return found, err
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		found, err = get(ctx, tx, id)
		return err
	})
	return found, err
}

// reading says who reads reports, and that the answer depends on them.
func (s *Service) reading(ctx context.Context) (access.Principal, error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err == nil {
		topic.Note(ctx, topic.All(who.Tenant, topic.Report))
	}
	return who, err
}

// List gives a page of the tenant's reports, after one; nil: from the latest.
func (s *Service) List(ctx context.Context, first int, after *uuid.UUID) (page Page[Report], err error) {
	who, err := s.reading(ctx)
	if err == nil {
		err = checkFirst(first)
	}
	if err != nil {
		return page, err
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().ReportPage(ctx, tx, dbsqlc.ReportPageParams{BeforeID: before(after), Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read reports: %w", err)
		}
		page.More = len(rows) > first
		for _, r := range rows[:min(first, len(rows))] {
			page.Items = append(page.Items, toReport(dbsqlc.ReportGetRow(r)))
		}
		return nil
	})
	return page, err
}

func checkFirst(first int) error {
	if first < 1 || first > maxPage {
		return fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	return nil
}

// before is where a list of the latest goes on.
func before(after *uuid.UUID) uuid.UUID {
	if after == nil {
		return uuid.Max
	}
	return *after
}
