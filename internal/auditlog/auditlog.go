// Package auditlog lets a tenant read its own audit log, page by page or as a whole, and
// notes in it what was asked for in vain.
package auditlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// The bounds of a page.
const (
	maxPage    = 200
	maxActions = 100 // in a filter
	maxText    = 200 // characters of a filter's text
)

// What is refused is noted once in so long for each caller and field, so that nobody fills
// the log by asking.
const (
	deniedEvery  = time.Minute
	deniedWithin = 2 * time.Second // of noting one
	deniedKnown  = 10_000          // callers and fields that are remembered
)

// Service answers for the tenant that asks.
type Service struct {
	app    *postgres.App
	logger *slog.Logger
	denied *otter.Cache[denial, struct{}]
}

// denial is what is noted once in a while.
type denial struct {
	who   string
	field string
}

// NewService makes the service.
func NewService(app *postgres.App, logger *slog.Logger) *Service {
	return &Service{app, logger, otter.Must(&otter.Options[denial, struct{}]{
		MaximumSize:      deniedKnown,
		ExpiryCalculator: otter.ExpiryWriting[denial, struct{}](deniedEvery),
	})}
}

// Filter narrows a list; what is empty does not.
type Filter struct {
	Actions    []audit.Action
	Actor      *uuid.UUID
	TargetType *string
	TargetID   *string
	From, To   *time.Time // the first instant, and the first that is past it
}

func (f *Filter) check() error {
	if len(f.Actions) > maxActions {
		return fault.Input("actions", "At most %d are allowed.", maxActions)
	}
	for _, text := range []*string{f.TargetType, f.TargetID} {
		if text != nil && !audit.Keepable(*text, maxText) {
			return fault.Input("target", "A target's type and id have at most %d characters.", maxText)
		}
	}
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return fault.Input("to", "The end must come after the beginning.")
	}
	return nil
}

// Page is a part of the log.
type Page struct {
	List []audit.Record
	More bool // whether earlier ones follow
}

// Page lists entries, the newest first, from the one before a place on; 0: from the newest.
func (s *Service) Page(ctx context.Context, first int, before int64, filter Filter) (page Page, err error) {
	if first < 1 || first > maxPage {
		return page, fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	if err := filter.check(); err != nil {
		return page, err
	}
	if before == 0 {
		before = math.MaxInt64
	}
	params := dbsqlc.AuditEntryPageParams{
		BeforeSeq: before, Actions: []string{}, TargetType: filter.TargetType, TargetID: filter.TargetID,
		Since: filter.From, Until: filter.To, Most: int64(first) + 1, // one more tells whether more follow
	}
	for _, action := range filter.Actions {
		params.Actions = append(params.Actions, string(action))
	}
	if filter.Actor != nil {
		params.Actor = uuid.NullUUID{UUID: *filter.Actor, Valid: true}
	}
	err = s.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().AuditEntryPage(ctx, tx, params)
		page = Page{rows[:min(len(rows), first)], len(rows) > first}
		return err
	})
	return page, err
}

// Find finds the entry at a place, or NOT_FOUND.
func (s *Service) Find(ctx context.Context, seq int64) (*audit.Record, error) {
	var found audit.Record
	err := s.read(ctx, func(tx pgx.Tx) (err error) {
		found, err = dbsqlc.New().AuditEntryGet(ctx, tx, seq)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is nothing with this id.").In("id")
	}
	return &found, err
}

func (s *Service) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ReadAudit)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Audit, ""))
	if err := s.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	return nil
}

// Export gives the whole log of a span, the oldest entry first, as far as it goes when it
// begins. That it was taken is its last entry, unless the span ends before.
func (s *Service) Export(ctx context.Context, export audit.Export, give func([]audit.Record) error) error {
	who, err := access.Require(ctx, access.ReadAudit)
	if err != nil {
		return err
	}
	export.Tenant = who.Tenant
	return export.Run(ctx, func(ctx context.Context, fn func(tx pgx.Tx) error) error {
		return s.app.InTenant(ctx, who.Tenant, fn)
	}, give)
}

// Denied notes that somebody who is known asked for a change that they may not make. It
// fails without telling the caller, whose answer is the same either way.
func (s *Service) Denied(ctx context.Context, who access.Principal, field string) {
	if _, added := s.denied.SetIfAbsent(denial{who.Tenant.String() + "/" + who.By().String(), field}, struct{}{}); !added {
		return
	}
	// Whoever goes away after asking has asked all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deniedWithin)
	defer cancel()
	err := s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		return audit.Write(ctx, tx, audit.Entry{Action: audit.Denied, Target: audit.Target{Type: "mutation", ID: field}})
	})
	if err != nil {
		s.logger.WarnContext(ctx, "a refused change could not be noted", "field", field, "error", err, "request", fault.Request(ctx))
	}
}
