package revenue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// said is a state of a subscription as it is kept, its price worked out: plans keep theirs.
type said struct {
	Status        Status     `json:"status"`
	Plan          int64      `json:"plan"`
	Quantity      int64      `json:"quantity"`
	Amount        int64      `json:"amount"`
	Discount      int64      `json:"discount"`
	Currency      string     `json:"currency"`
	Monthly       int64      `json:"monthly"`
	StartedAt     *time.Time `json:"startedAt,omitempty"`
	TrialStartsAt *time.Time `json:"trialStartsAt,omitempty"`
	TrialEndsAt   *time.Time `json:"trialEndsAt,omitempty"`
	PeriodEndsAt  *time.Time `json:"periodEndsAt,omitempty"`
	CanceledAt    *time.Time `json:"canceledAt,omitempty"`
	EndedAt       *time.Time `json:"endedAt,omitempty"`
}

func saidOf(s *SubscriptionItem, plan dbsqlc.PlanListByKeysRow) said {
	now := said{
		Status: s.Status, Plan: plan.PlanID, Quantity: int64(*s.Quantity), Amount: orPlans(s.Amount, plan), Discount: orZero(s.Discount), Currency: plan.Currency,
		StartedAt: s.StartedAt, TrialStartsAt: s.TrialStartsAt, TrialEndsAt: s.TrialEndsAt, PeriodEndsAt: s.PeriodEndsAt, CanceledAt: s.CanceledAt, EndedAt: s.EndedAt,
	}
	if s.Currency != nil {
		now.Currency = *s.Currency
	}
	now.Monthly = Terms{now.Amount, now.Quantity, now.Discount, Interval(plan.BillingInterval), int64(plan.IntervalCount)}.Monthly()
	return now
}

func (s said) state(at time.Time) State {
	return State{
		At: at, Status: s.Status, Plan: s.Plan, Currency: s.Currency, Monthly: s.Monthly, Start: orNever(s.StartedAt),
		TrialStart: orNever(s.TrialStartsAt), TrialEnd: orNever(s.TrialEndsAt), PeriodEnd: orNever(s.PeriodEndsAt),
		Canceled: orNever(s.CanceledAt), End: orNever(s.EndedAt),
	}
}

func orNever(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// keep adds the facts, and lets those that are later than what was known before be what is known.
func (b *batch) keep(ctx context.Context, tx pgx.Tx, list []parcel) error {
	facts := dbsqlc.RevenueFactInsertParams{Source: b.source}
	var latest current
	for _, p := range list {
		body, err := latest.add(b.source, p)
		if err != nil {
			return fmt.Errorf("write fact: %w", err)
		}
		facts.Kinds, facts.ExternalIds = append(facts.Kinds, string(p.kind)), append(facts.ExternalIds, p.id)
		facts.OccurredAts, facts.Fingerprints = append(facts.OccurredAts, p.at), append(facts.Fingerprints, p.fingerprint)
		facts.SubjectIds, facts.AccountIds = append(facts.SubjectIds, p.subject), append(facts.AccountIds, p.account)
		facts.Bodies = append(facts.Bodies, body)
	}
	if err := dbsqlc.New().RevenueFactInsert(ctx, tx, facts); err != nil {
		return fmt.Errorf("insert facts: %w", err)
	}
	return latest.write(ctx, tx)
}

// current is what becomes of the tables that show how things stand.
type current struct {
	subscriptions []dbsqlc.SubscriptionUpsertParams
	invoices      []dbsqlc.InvoiceUpsertParams
	payments      []dbsqlc.PaymentUpsertParams
}

func (c *current) add(source string, p parcel) ([]byte, error) {
	payment := dbsqlc.PaymentUpsertParams{
		PaymentID: p.subject, Kind: string(p.kind), Source: source, ExternalID: p.id, AccountID: p.account, OccurredAt: p.at, Status: string(Succeeded),
	}
	switch p.kind {
	case SubscriptionKind:
		s := saidOf(p.item.Subscription, p.plan)
		c.subscriptions = append(c.subscriptions, s.row(source, p))
		return json.Marshal(s)
	case InvoiceKind:
		row, err := invoiceRow(source, p)
		c.invoices = append(c.invoices, row)
		if err != nil {
			return nil, err
		}
		return json.Marshal(p.item.Invoice)
	case ChargeKind:
		i := p.item.Charge
		payment.Status, payment.Amount, payment.Currency, payment.Invoice, payment.Reason = string(*i.Status), i.Amount, i.Currency, i.Invoice, i.Reason
		c.payments = append(c.payments, payment)
		return json.Marshal(i)
	case RefundKind:
		i := p.item.Refund
		payment.Status, payment.Amount, payment.Currency, payment.Invoice, payment.Reason = string(*i.Status), i.Amount, i.Currency, i.Invoice, i.Reason
		payment.Charge = i.Charge
		c.payments = append(c.payments, payment)
		return json.Marshal(i)
	}
	i := p.item.Credit
	payment.Amount, payment.Currency, payment.Invoice, payment.Reason = i.Amount, i.Currency, i.Invoice, i.Reason
	c.payments = append(c.payments, payment)
	return json.Marshal(i)
}

func (s said) row(source string, p parcel) dbsqlc.SubscriptionUpsertParams {
	return dbsqlc.SubscriptionUpsertParams{
		SubscriptionID: p.subject, Source: source, ExternalID: p.id, AccountID: p.account, OccurredAt: p.at, PlanID: s.Plan, Status: string(s.Status),
		Quantity: s.Quantity, Amount: s.Amount, Discount: s.Discount, Currency: s.Currency, Monthly: s.Monthly,
		StartedAt: s.StartedAt, TrialStartsAt: s.TrialStartsAt, TrialEndsAt: s.TrialEndsAt, PeriodEndsAt: s.PeriodEndsAt, CanceledAt: s.CanceledAt, EndedAt: s.EndedAt,
	}
}

func invoiceRow(source string, p parcel) (dbsqlc.InvoiceUpsertParams, error) {
	i := p.item.Invoice
	row := dbsqlc.InvoiceUpsertParams{
		InvoiceID: p.subject, Source: source, ExternalID: p.id, AccountID: p.account, OccurredAt: p.at, Subscription: i.Subscription, Number: i.Number,
		Status: string(i.Status), Currency: i.Currency, IssuedAt: i.IssuedAt, DueAt: i.DueAt, PaidAt: i.PaidAt,
	}
	for _, l := range i.Lines {
		row.Subtotal += l.Amount
		row.Discount += orZero(l.Discount)
		row.Tax += orZero(l.Tax)
	}
	row.Total = row.Subtotal - row.Discount + row.Tax
	var err error
	row.Lines, err = json.Marshal(i.Lines)
	return row, err
}

// write sends each kind at once. Of several states of one thing the latest stays, whatever their
// order.
func (c *current) write(ctx context.Context, tx pgx.Tx) (err error) {
	queries := dbsqlc.New()
	note := func(_ int, failed error) {
		if err == nil && failed != nil {
			err = fmt.Errorf("keep what is known: %w", failed)
		}
	}
	if len(c.subscriptions) > 0 {
		queries.SubscriptionUpsert(ctx, tx, c.subscriptions).Exec(note)
	}
	if len(c.invoices) > 0 && err == nil {
		queries.InvoiceUpsert(ctx, tx, c.invoices).Exec(note)
	}
	if len(c.payments) > 0 && err == nil {
		queries.PaymentUpsert(ctx, tx, c.payments).Exec(note)
	}
	return err
}
