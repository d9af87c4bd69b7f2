package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// till brings what a company of the demo earns into the database.
type till struct {
	books   *revenue.Service
	who     access.Principal
	plan    demo.Plan
	company demo.Company
	seen    map[string]time.Time // the accounts, and when each was first seen
	users   map[string]string    // one of each account: who was known first
}

func newTill(books *revenue.Service, id tenant.ID, plan demo.Plan, c demo.Company) *till {
	who := access.Principal{Tenant: id, Kind: access.WriteKey, Permissions: access.WriteKey.Permissions(), Source: "billing"}
	return &till{books, who, plan, c, map[string]time.Time{}, map[string]string{}}
}

// see notes whom an event is of. Events come in order of time.
func (t *till) see(e demo.Event) {
	if _, known := t.seen[e.AccountID]; !known && e.AccountID != "" {
		t.seen[e.AccountID] = e.At
	}
	if _, known := t.users[e.AccountID]; !known && e.AccountID != "" && e.UserID != "" {
		t.users[e.AccountID] = e.UserID
	}
}

// load records everything, some at a time. Said again it changes nothing.
func (t *till) load(ctx context.Context) error {
	if len(t.seen) == 0 {
		return nil // it sells to nobody in particular
	}
	items := t.terms()
	for _, account := range slices.Sorted(maps.Keys(t.seen)) {
		standings, bills := t.plan.Billing(t.company, account, t.seen[account])
		for _, s := range standings {
			items = append(items, subscriptionItem(s))
		}
		for _, b := range bills {
			items = append(items, billItems(b)...)
		}
	}
	for len(items) > 0 {
		n := min(len(items), revenue.MaxItems)
		verdicts, err := t.books.Record(ctx, t.who, items[:n])
		if err != nil {
			return fmt.Errorf("load revenue of %s: %w", t.company.Name, err)
		}
		for _, v := range verdicts {
			if v.Status != event.Accepted && v.Status != event.Duplicate {
				return fmt.Errorf("load revenue of %s: %s %s was %s: %s", t.company.Name, v.Kind, v.ID, v.Status, v.Reason)
			}
		}
		items = items[n:]
	}
	return nil
}

// terms are the company's plans, and the rates.
func (t *till) terms() (items []revenue.Given) {
	for _, o := range t.company.Offers() {
		items = append(items, given(revenue.Item{Plan: &revenue.PlanItem{
			Key: o.Key, Name: &o.Name, Amount: int64(o.Amount), Currency: o.Currency, Interval: revenue.Interval(o.Interval),
		}}))
	}
	for _, r := range t.plan.Rates() {
		items = append(items, given(revenue.Item{Rate: &revenue.RateItem{Base: "EUR", Currency: r.Currency, Day: r.Day.Format(time.DateOnly), Rate: r.Rate}}))
	}
	return items
}

func given(item revenue.Item) revenue.Given { return revenue.Given{Item: item} }

func subscriptionItem(s demo.Standing) revenue.Given {
	item := &revenue.SubscriptionItem{
		ID: s.ID, GroupID: s.Account, Plan: s.Offer, Status: revenue.Status(s.Status), Quantity: &s.Seats,
		Amount: new(int64(s.Amount)), Currency: &s.Currency, OccurredAt: s.At,
	}
	if !s.TrialEnds.IsZero() {
		item.TrialEndsAt = &s.TrialEnds
	}
	if !s.PeriodEnds.IsZero() {
		item.PeriodEndsAt = &s.PeriodEnds
	}
	return given(revenue.Item{Subscription: item})
}

// billItems are an invoice, and the charge that paid it.
func billItems(b demo.Bill) []revenue.Given {
	invoice := &revenue.InvoiceItem{
		ID: b.ID, GroupID: b.Account, Subscription: &b.Subscription, Number: &b.ID, Status: revenue.Unpaid, Currency: b.Currency, OccurredAt: b.At, IssuedAt: b.At,
		Lines: []revenue.LineItem{{Kind: revenue.Recurring, Plan: &b.Offer, Amount: int64(b.Amount)}},
	}
	charge := &revenue.ChargeItem{
		ID: "ch-" + b.ID, GroupID: b.Account, Invoice: &b.ID, Amount: int64(max(b.Amount, 1)), Currency: b.Currency, OccurredAt: b.At, Status: new(revenue.Failed),
	}
	if b.Paid {
		invoice.Status, invoice.PaidAt, charge.Status = revenue.Paid, &b.At, new(revenue.Succeeded)
	}
	return []revenue.Given{given(revenue.Item{Invoice: invoice}), given(revenue.Item{Charge: charge})}
}
