// Package revenue keeps what was said of plans, subscriptions, invoices and payments, and tells
// what a company's recurring revenue is, was, and how it moved. What was said is only added to;
// the movements of MRR are derived from it by the times in it alone, so that repeated, shuffled
// and late facts give the figures of facts in order, and what was known at any time is still
// known. A batch's facts and the movements that follow from them commit together, and only then
// is it answered.
package revenue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/intake"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Service takes in what is said of revenue, and tells of it.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// MaxItems is how many items one batch may have.
const MaxItems = intake.MaxItems

// Given is an item as it came: it may not have been readable at all.
type Given = intake.Given[Item]

// Verdict is what became of an item. Field and Reason are empty unless it was not taken.
type Verdict struct {
	Kind   ItemKind // empty of what cannot be told
	ID     string   // as its sender calls it
	Status event.Status
	Field  string
	Reason string
}

func (v *Verdict) refuse(status event.Status, why *fault.Error) {
	v.Status, v.Field, v.Reason = status, why.Field, why.Message
}

// Record stores the items and derives what moved, all of it or nothing; each item gets a verdict,
// and those that are not fit keep no other from being taken.
func (s *Service) Record(ctx context.Context, who access.Principal, given []Given) ([]Verdict, error) {
	var b *batch
	err := intake.Store(ctx, s.app, who, "revenue", len(given), func(tx pgx.Tx) error {
		b = newBatch(who.Source, given)
		return b.store(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return b.verdicts, nil
}

// house is what everything of a tenant is derived by.
type house struct {
	dbsqlc.RevenueSettingsRow
	zone calendar.Zone
	rule ChurnRule
}

// enter waits for the turn of whoever writes the tenant's data, which accounts are made under.
// From then on the clock is ahead of all that was recorded.
func enter(ctx context.Context, tx pgx.Tx) (h house, err error) {
	if err := dbsqlc.New().TenantTakeTurn(ctx, tx); err != nil {
		return h, fmt.Errorf("take turn: %w", err)
	}
	h.RevenueSettingsRow, err = dbsqlc.New().RevenueSettings(ctx, tx)
	if err != nil {
		return h, fmt.Errorf("read tenant: %w", err)
	}
	h.rule = ChurnRule(h.ChurnRule)
	h.zone, err = calendar.LoadZone(h.Zone)
	return h, err
}
