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
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Service takes in what is said of revenue, and tells of it.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// MaxItems is how many items one batch may have.
const MaxItems = 1_000

// attempts is how often a transaction runs that the server undoes for another's sake.
const attempts = 3

// Given is an item as it came: it may not have been readable at all.
type Given struct {
	Item
	Problem *fault.Error
}

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
	if !who.May(access.Ingest) || who.Kind == access.PublishKey { // what stands in a page is no secret
		return nil, fault.New(fault.Forbidden, "Revenue is sent with a write key.")
	}
	if len(given) < 1 || len(given) > MaxItems {
		return nil, fault.Input("items", "Between 1 and %d items are allowed.", MaxItems)
	}
	b := newBatch(who.Source, given)
	var err error
	for range attempts {
		err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error { return b.store(ctx, tx) })
		if !postgres.RolledBack(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("record %d items of revenue: %w", len(given), err)
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
