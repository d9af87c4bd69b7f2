package revenue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

func money(amount int64, currency string) metric.Money {
	return metric.Money{Amount: int(amount), Currency: currency}
}

// Plan is what is sold, and for how much.
type Plan struct {
	ID            int64
	Key, Name     string
	Price         metric.Money
	Interval      Interval
	IntervalCount int
	CreatedAt     time.Time
}

// Subscription is how a subscription stands, by what was said last.
type Subscription struct {
	ID                                                                       int64
	ExternalID, Source                                                       string
	Account, Plan                                                            int64
	Status                                                                   Status
	Quantity                                                                 int
	Price, Discount, Monthly                                                 metric.Money
	OccurredAt                                                               time.Time
	StartedAt, TrialStartsAt, TrialEndsAt, PeriodEndsAt, CanceledAt, EndedAt *time.Time
}

// Invoice is how an invoice stands, by what was said last.
type Invoice struct {
	ID                             int64
	ExternalID, Source             string
	Account                        int64
	Subscription, Number           *string
	Status                         InvoiceStatus
	Subtotal, Discount, Tax, Total metric.Money
	IssuedAt                       time.Time
	DueAt, PaidAt                  *time.Time
	OccurredAt                     time.Time
	Lines                          []Line
}

// Line is a line of an invoice.
type Line struct {
	Description              *string
	Kind                     LineKind
	Plan                     *string
	Quantity                 int
	Amount, Discount, Tax    metric.Money
	PeriodFrom, PeriodEndsAt *time.Time
}

// PaymentKind is what a payment is, as in the schema's enum PaymentKind.
type PaymentKind string

// Payment is money that came in, went back, or was let off.
type Payment struct {
	ID                      int64
	Kind                    PaymentKind
	ExternalID, Source      string
	Account                 int64
	Status                  PaymentStatus
	Amount                  metric.Money
	Invoice, Charge, Reason *string
	OccurredAt              time.Time
}

// Moved is a movement of MRR as it is known now.
type Moved struct {
	ID         int64
	Account    int64
	At         time.Time
	Kind       Kind
	Amount     metric.Money
	RecordedAt time.Time
	Parts      []MovedPart
}

// MovedPart is what a subscription's plan had to do with a movement.
type MovedPart struct {
	Subscription, Plan int64
	Amount             metric.Money
}

// ExchangeRate is what one unit of a base is worth in a currency from a day on.
type ExchangeRate struct {
	ID             int64
	Base, Currency string
	Day            calendar.Date
	Rate           string
	RecordedAt     time.Time
}

// list reads a page for the tenant that asks, or things by their numbers.
func list[T any](ctx context.Context, s *Service, first int, read func(tx pgx.Tx, most int64) ([]T, error)) (page customer.Page[T], err error) {
	if err := customer.CheckFirst(first); err != nil {
		return page, err
	}
	err = s.read(ctx, func(tx pgx.Tx) error {
		items, err := read(tx, int64(first)+1)
		page = customer.Page[T]{Items: items[:min(first, len(items))], More: len(items) > first}
		return err
	})
	return page, err
}

// read opens what the tenant that asks has of revenue, and notes that the answer depends on it.
func (s *Service) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ReadRevenue)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Revenue))
	if err := s.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read revenue: %w", err)
	}
	return nil
}

// byID reads things by their numbers.
func byID[T any](ctx context.Context, s *Service, id func(T) int64, read func(tx pgx.Tx) ([]T, error)) (map[int64]T, error) {
	found := map[int64]T{}
	err := s.read(ctx, func(tx pgx.Tx) error {
		items, err := read(tx)
		for _, item := range items {
			found[id(item)] = item
		}
		return err
	})
	return found, err
}

func each[R, T any](rows []R, err error, make func(R) T) ([]T, error) {
	items := []T{}
	for _, r := range rows {
		items = append(items, make(r))
	}
	return items, err
}

func toPlan(r dbsqlc.PlanPageRow) Plan {
	return Plan{r.PlanID, r.Key, r.Name, money(r.Amount, r.Currency), Interval(r.BillingInterval), int(r.IntervalCount), r.CreatedAt}
}

// Plans gives a page of plans, the oldest first.
func (s *Service) Plans(ctx context.Context, first int, after int64) (customer.Page[Plan], error) {
	return list(ctx, s, first, func(tx pgx.Tx, most int64) ([]Plan, error) {
		rows, err := dbsqlc.New().PlanPage(ctx, tx, dbsqlc.PlanPageParams{AfterID: after, Most: most})
		return each(rows, err, toPlan)
	})
}

// PlansByID finds several by number.
func (s *Service) PlansByID(ctx context.Context, ids []int64) (map[int64]Plan, error) {
	return byID(ctx, s, func(p Plan) int64 { return p.ID }, func(tx pgx.Tx) ([]Plan, error) {
		rows, err := dbsqlc.New().PlanListByIDs(ctx, tx, ids)
		return each(rows, err, func(r dbsqlc.PlanListByIDsRow) Plan { return toPlan(dbsqlc.PlanPageRow(r)) })
	})
}

// SubscriptionQuery says which subscriptions; nil: whichever.
type SubscriptionQuery struct {
	Status        *Status
	Account, Plan *int64
}

func toSubscription(r dbsqlc.SubscriptionPageRow) Subscription {
	return Subscription{
		ID: r.SubscriptionID, ExternalID: r.ExternalID, Source: r.Source, Account: r.AccountID, Plan: r.PlanID, Status: Status(r.Status),
		Quantity: int(r.Quantity), Price: money(r.Amount, r.Currency), Discount: money(r.Discount, r.Currency), Monthly: money(r.Monthly, r.Currency),
		OccurredAt: r.OccurredAt, StartedAt: r.StartedAt, TrialStartsAt: r.TrialStartsAt, TrialEndsAt: r.TrialEndsAt,
		PeriodEndsAt: r.PeriodEndsAt, CanceledAt: r.CanceledAt, EndedAt: r.EndedAt,
	}
}

// Subscriptions gives a page of subscriptions, the oldest first.
func (s *Service) Subscriptions(ctx context.Context, q SubscriptionQuery, first int, after int64) (customer.Page[Subscription], error) {
	return list(ctx, s, first, func(tx pgx.Tx, most int64) ([]Subscription, error) {
		rows, err := dbsqlc.New().SubscriptionPage(ctx, tx, dbsqlc.SubscriptionPageParams{
			AfterID: after, Most: most, Status: (*string)(q.Status), AccountID: orNull(q.Account), PlanID: orNull(q.Plan),
		})
		return each(rows, err, toSubscription)
	})
}

func orNull(id *int64) pgtype.Int8 {
	if id == nil {
		return pgtype.Int8{}
	}
	return pgtype.Int8{Int64: *id, Valid: true}
}

// SubscriptionsByID finds several by number.
func (s *Service) SubscriptionsByID(ctx context.Context, ids []int64) (map[int64]Subscription, error) {
	return byID(ctx, s, func(s Subscription) int64 { return s.ID }, func(tx pgx.Tx) ([]Subscription, error) {
		rows, err := dbsqlc.New().SubscriptionListByIDs(ctx, tx, ids)
		return each(rows, err, func(r dbsqlc.SubscriptionListByIDsRow) Subscription {
			return toSubscription(dbsqlc.SubscriptionPageRow(r))
		})
	})
}

// SubscriptionPages gives a page of the subscriptions of each account, after one.
func (s *Service) SubscriptionPages(ctx context.Context, accounts []int64, first int, after int64) (map[int64]customer.Page[Subscription], error) {
	if err := customer.CheckFirst(first); err != nil {
		return nil, err
	}
	pages := make(map[int64]customer.Page[Subscription], len(accounts))
	err := s.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SubscriptionPageOfAccounts(ctx, tx, dbsqlc.SubscriptionPageOfAccountsParams{AccountIds: accounts, AfterID: after, Most: int64(first) + 1})
		for _, r := range rows {
			page := pages[r.AccountID]
			page.Add(toSubscription(dbsqlc.SubscriptionPageRow(r)), first)
			pages[r.AccountID] = page
		}
		return err
	})
	return pages, err
}

// MRR tells what accounts come to now, in each currency.
func (s *Service) MRR(ctx context.Context, accounts []int64) (map[int64][]metric.Money, error) {
	found := make(map[int64][]metric.Money, len(accounts))
	err := s.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().MrrOfAccounts(ctx, tx, accounts)
		if err != nil {
			return err
		}
		for _, r := range rows {
			found[r.AccountID] = append(found[r.AccountID], money(r.Amount, r.Currency))
		}
		return NoteNextChange(ctx, tx, nil)
	})
	return found, err
}

func toInvoice(r dbsqlc.InvoicePageRow) (Invoice, error) {
	i := Invoice{
		ID: r.InvoiceID, ExternalID: r.ExternalID, Source: r.Source, Account: r.AccountID, Subscription: r.Subscription, Number: r.Number,
		Status: InvoiceStatus(r.Status), Subtotal: money(r.Subtotal, r.Currency), Discount: money(r.Discount, r.Currency),
		Tax: money(r.Tax, r.Currency), Total: money(r.Total, r.Currency), IssuedAt: r.IssuedAt, DueAt: r.DueAt, PaidAt: r.PaidAt, OccurredAt: r.OccurredAt,
	}
	var lines []LineItem
	if err := json.Unmarshal(r.Lines, &lines); err != nil {
		return i, fmt.Errorf("read lines: %w", err)
	}
	for _, l := range lines {
		i.Lines = append(i.Lines, Line{
			l.Description, l.Kind, l.Plan, *l.Quantity, money(l.Amount, r.Currency), money(orZero(l.Discount), r.Currency), money(orZero(l.Tax), r.Currency),
			l.PeriodFrom, l.PeriodEndsAt,
		})
	}
	return i, nil
}

// Invoices gives a page of invoices, the latest made first.
func (s *Service) Invoices(ctx context.Context, status *InvoiceStatus, account *int64, first int, before int64) (customer.Page[Invoice], error) {
	return list(ctx, s, first, func(tx pgx.Tx, most int64) (items []Invoice, err error) {
		rows, err := dbsqlc.New().InvoicePage(ctx, tx, dbsqlc.InvoicePageParams{BeforeID: before, Most: most, Status: (*string)(status), AccountID: orNull(account)})
		for _, r := range rows {
			i, err := toInvoice(r)
			if err != nil {
				return nil, err
			}
			items = append(items, i)
		}
		return items, err
	})
}

// InvoicesByID finds several by number.
func (s *Service) InvoicesByID(ctx context.Context, ids []int64) (map[int64]Invoice, error) {
	return byID(ctx, s, func(i Invoice) int64 { return i.ID }, func(tx pgx.Tx) (items []Invoice, err error) {
		rows, err := dbsqlc.New().InvoiceListByIDs(ctx, tx, ids)
		for _, r := range rows {
			i, err := toInvoice(dbsqlc.InvoicePageRow(r))
			if err != nil {
				return nil, err
			}
			items = append(items, i)
		}
		return items, err
	})
}

// PaymentQuery says which payments; nil: whichever.
type PaymentQuery struct {
	Kind             *PaymentKind
	Account, Invoice *int64
}

func toPayment(r dbsqlc.PaymentPageRow) Payment {
	return Payment{
		r.PaymentID, PaymentKind(r.Kind), r.ExternalID, r.Source, r.AccountID, PaymentStatus(r.Status), money(r.Amount, r.Currency),
		r.Invoice, r.Charge, r.Reason, r.OccurredAt,
	}
}

// Payments gives a page of payments, the latest made first.
func (s *Service) Payments(ctx context.Context, q PaymentQuery, first int, before int64) (customer.Page[Payment], error) {
	return list(ctx, s, first, func(tx pgx.Tx, most int64) ([]Payment, error) {
		rows, err := dbsqlc.New().PaymentPage(ctx, tx, dbsqlc.PaymentPageParams{
			BeforeID: before, Most: most, Kind: (*string)(q.Kind), AccountID: orNull(q.Account), InvoiceID: orNull(q.Invoice),
		})
		return each(rows, err, toPayment)
	})
}

// PaymentsByID finds several by number.
func (s *Service) PaymentsByID(ctx context.Context, ids []int64) (map[int64]Payment, error) {
	return byID(ctx, s, func(p Payment) int64 { return p.ID }, func(tx pgx.Tx) ([]Payment, error) {
		rows, err := dbsqlc.New().PaymentListByIDs(ctx, tx, ids)
		return each(rows, err, func(r dbsqlc.PaymentListByIDsRow) Payment { return toPayment(dbsqlc.PaymentPageRow(r)) })
	})
}

// MovementQuery says which movements; nil: whichever.
type MovementQuery struct {
	From, To *time.Time
	Kind     *Kind
	Account  *int64
}

// Place is where a movement stands in the list.
type Place struct {
	At time.Time
	ID int64
}

func toMoved(r dbsqlc.MrrMovementPageRow) Moved {
	m := Moved{ID: r.MovementID, Account: r.AccountID, At: r.At, Kind: Kind(r.Kind), Amount: money(r.Amount, r.Currency), RecordedAt: r.RecordedAt}
	for i, amount := range r.Amounts {
		m.Parts = append(m.Parts, MovedPart{r.SubscriptionIds[i], r.PlanIds[i], money(amount, r.Currency)})
	}
	return m
}

// Movements gives a page of movements, the latest first.
func (s *Service) Movements(ctx context.Context, q MovementQuery, first int, after *Place) (customer.Page[Moved], error) {
	p := dbsqlc.MrrMovementPageParams{Since: event.Earliest, Before: never, AfterAt: never, Kind: (*string)(q.Kind), AccountID: orNull(q.Account)}
	if q.From != nil {
		p.Since = *q.From
	}
	if q.To != nil {
		p.Before = *q.To
	}
	if after != nil {
		p.AfterAt, p.AfterID = after.At, after.ID
	}
	return list(ctx, s, first, func(tx pgx.Tx, most int64) ([]Moved, error) {
		p.Most = most
		rows, err := dbsqlc.New().MrrMovementPage(ctx, tx, p)
		return each(rows, err, toMoved)
	})
}

// MovementsByID finds several by number, those included that are no longer known to be so.
func (s *Service) MovementsByID(ctx context.Context, ids []int64) (map[int64]Moved, error) {
	return byID(ctx, s, func(m Moved) int64 { return m.ID }, func(tx pgx.Tx) ([]Moved, error) {
		rows, err := dbsqlc.New().MrrMovementListByIDs(ctx, tx, ids)
		return each(rows, err, func(r dbsqlc.MrrMovementListByIDsRow) Moved { return toMoved(dbsqlc.MrrMovementPageRow(r)) })
	})
}

// RatePlace is where a rate stands in the list.
type RatePlace struct {
	Day calendar.Date
	ID  int64
}

func toRate(r dbsqlc.FxRatePageRow) ExchangeRate {
	return ExchangeRate{r.RateID, r.Base, r.Currency, r.Day, r.Rate, r.RecordedAt}
}

// ExchangeRates gives a page of the rates that hold, the latest day first.
func (s *Service) ExchangeRates(ctx context.Context, base, currency *string, first int, after *RatePlace) (customer.Page[ExchangeRate], error) {
	p := dbsqlc.FxRatePageParams{Base: base, Currency: currency, AfterDay: calendar.NewDate(9999, 1, 1)}
	if after != nil {
		p.AfterDay, p.AfterID = after.Day, after.ID
	}
	return list(ctx, s, first, func(tx pgx.Tx, most int64) ([]ExchangeRate, error) {
		p.Most = most
		rows, err := dbsqlc.New().FxRatePage(ctx, tx, p)
		return each(rows, err, toRate)
	})
}

// RatesByID finds several by number.
func (s *Service) RatesByID(ctx context.Context, ids []int64) (map[int64]ExchangeRate, error) {
	return byID(ctx, s, func(r ExchangeRate) int64 { return r.ID }, func(tx pgx.Tx) ([]ExchangeRate, error) {
		rows, err := dbsqlc.New().FxRateListByIDs(ctx, tx, ids)
		return each(rows, err, func(r dbsqlc.FxRateListByIDsRow) ExchangeRate { return toRate(dbsqlc.FxRatePageRow(r)) })
	})
}
