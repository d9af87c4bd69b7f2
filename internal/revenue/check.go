package revenue

import (
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/intake"
)

// The bounds of an item.
const (
	maxText  = 200 // characters
	maxLines = 200
)

// checker keeps the first problem that it finds.
type checker struct{ intake.Checker }

func newChecker(of string) *checker { return &checker{intake.Checker{Of: of}} }

func (c *checker) text(field, text string) { c.Text(field, text, maxText) }

func (c *checker) maybe(field string, text *string) {
	if text != nil {
		c.text(field, *text)
	}
}

func (c *checker) currency(field, code string) {
	_, known := Exponent(code)
	c.Need(known, field, "A code of ISO 4217 in capitals is needed, such as EUR.")
}

func (c *checker) amount(field string, amount, least int64) {
	c.Need(amount >= least && amount <= maxAmount, field, "Between %d and %d minor units are allowed.", least, maxAmount)
}

func (c *checker) count(field string, n *int, most int) int {
	if n == nil {
		return 1
	}
	c.Need(*n >= 1 && *n <= most, field, "Between 1 and %d are allowed.", most)
	return *n
}

func (c *checker) group(id string, kind *string) identity.Group {
	g := identity.Group{Type: event.DefaultGroup, ID: id}
	if kind != nil {
		g.Type = *kind
	}
	c.text("groupId", g.ID)
	c.text("groupType", g.Type)
	c.Need(identity.IsSomebody(g.ID), "groupId", "This is the id of nobody.")
	return g
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// checked is an item that is fit to be kept.
type checked struct {
	item  Item
	kind  ItemKind
	id    string // as its source calls it; of a rate its pair and day
	at    time.Time
	group identity.Group
	day   calendar.Date // of a rate
}

// check completes an item, and says what is wrong with it by the name of the field.
func check(item Item) (k checked, problem *fault.Error) {
	k.item = item
	checks := []struct {
		given bool
		check func(*checked) *fault.Error
	}{
		{item.Plan != nil, (*checked).plan}, {item.Subscription != nil, (*checked).subscription}, {item.Invoice != nil, (*checked).invoice},
		{item.Charge != nil, (*checked).charge}, {item.Refund != nil, (*checked).refund}, {item.Credit != nil, (*checked).credit},
		{item.Rate != nil, (*checked).rate},
	}
	given := 0
	for _, c := range checks {
		if c.given {
			given++
			problem = c.check(&k)
		}
	}
	if given != 1 {
		return k, fault.Input("items", "Exactly one is needed in an item: plan, subscription, invoice, charge, refund, credit or rate.")
	}
	return k, problem
}

func (k *checked) plan() *fault.Error {
	p := *k.item.Plan
	c := newChecker("plan")
	c.text("key", p.Key)
	c.maybe("name", p.Name)
	c.amount("amount", p.Amount, 0)
	c.currency("currency", p.Currency)
	intake.OneOf(&c.Checker, "interval", p.Interval, Day, Week, Month, Year)
	p.IntervalCount = new(c.count("intervalCount", p.IntervalCount, maxCount))
	if p.Name == nil {
		p.Name = &p.Key
	}
	k.item.Plan, k.kind, k.id = &p, PlanKind, p.Key
	return c.Problem
}

func (k *checked) subscription() *fault.Error {
	s := *k.item.Subscription
	c := newChecker("subscription")
	c.text("id", s.ID)
	k.group = c.group(s.GroupID, s.GroupType)
	c.text("plan", s.Plan)
	intake.OneOf(&c.Checker, "status", s.Status, Trialing, Active, PastDue, Paused, Canceled)
	s.Quantity = new(c.count("quantity", s.Quantity, maxQuantity))
	c.amount("amount", orZero(s.Amount), 0)
	c.amount("discount", orZero(s.Discount), 0)
	if s.Currency != nil {
		c.currency("currency", *s.Currency)
	}
	s.StartedAt, s.TrialStartsAt, s.TrialEndsAt = clone(s.StartedAt), clone(s.TrialStartsAt), clone(s.TrialEndsAt)
	s.PeriodEndsAt, s.CanceledAt, s.EndedAt = clone(s.PeriodEndsAt), clone(s.CanceledAt), clone(s.EndedAt)
	c.Instant("occurredAt", &s.OccurredAt)
	c.Instant("startedAt", s.StartedAt)
	c.Instant("trialStartsAt", s.TrialStartsAt)
	c.Instant("trialEndsAt", s.TrialEndsAt)
	c.Instant("periodEndsAt", s.PeriodEndsAt)
	c.Instant("canceledAt", s.CanceledAt)
	c.Instant("endedAt", s.EndedAt)
	k.item.Subscription, k.kind, k.id, k.at = &s, SubscriptionKind, s.ID, s.OccurredAt
	return c.Problem
}

func (k *checked) invoice() *fault.Error {
	i := *k.item.Invoice
	c := newChecker("invoice")
	c.text("id", i.ID)
	k.group = c.group(i.GroupID, i.GroupType)
	c.maybe("subscription", i.Subscription)
	c.maybe("number", i.Number)
	intake.OneOf(&c.Checker, "status", i.Status, Draft, Unpaid, Paid, Void, Uncollectible)
	c.currency("currency", i.Currency)
	i.DueAt, i.PaidAt = clone(i.DueAt), clone(i.PaidAt)
	c.Instant("occurredAt", &i.OccurredAt)
	c.Instant("issuedAt", &i.IssuedAt)
	c.Instant("dueAt", i.DueAt)
	c.Instant("paidAt", i.PaidAt)
	c.Need(len(i.Lines) >= 1 && len(i.Lines) <= maxLines, "lines", "Between 1 and %d lines are allowed.", maxLines)
	i.Lines = slices.Clone(i.Lines)
	for n := range i.Lines {
		c.line(&i.Lines[n])
	}
	k.item.Invoice, k.kind, k.id, k.at = &i, InvoiceKind, i.ID, i.OccurredAt
	return c.Problem
}

func (c *checker) line(l *LineItem) {
	c.maybe("lines.description", l.Description)
	intake.OneOf(&c.Checker, "lines.kind", l.Kind, Recurring, OneOff)
	c.maybe("lines.plan", l.Plan)
	l.Quantity = new(c.count("lines.quantity", l.Quantity, maxQuantity))
	c.amount("lines.amount", l.Amount, -maxAmount) // a proration gives back
	c.amount("lines.discount", orZero(l.Discount), 0)
	c.amount("lines.tax", orZero(l.Tax), -maxAmount)
	l.PeriodFrom, l.PeriodEndsAt = clone(l.PeriodFrom), clone(l.PeriodEndsAt)
	c.Instant("lines.periodFrom", l.PeriodFrom)
	c.Instant("lines.periodEndsAt", l.PeriodEndsAt)
}

func (k *checked) charge() *fault.Error {
	p := *k.item.Charge
	c := newChecker("charge")
	p.Status = c.payment(p.Status)
	k.group = c.group(p.GroupID, p.GroupType)
	c.maybe("invoice", p.Invoice)
	c.maybe("reason", p.Reason)
	c.paid(p.ID, p.Amount, p.Currency, &p.OccurredAt)
	k.item.Charge, k.kind, k.id, k.at = &p, ChargeKind, p.ID, p.OccurredAt
	return c.Problem
}

func (k *checked) refund() *fault.Error {
	p := *k.item.Refund
	c := newChecker("refund")
	p.Status = c.payment(p.Status)
	k.group = c.group(p.GroupID, p.GroupType)
	c.maybe("invoice", p.Invoice)
	c.maybe("charge", p.Charge)
	c.maybe("reason", p.Reason)
	c.paid(p.ID, p.Amount, p.Currency, &p.OccurredAt)
	k.item.Refund, k.kind, k.id, k.at = &p, RefundKind, p.ID, p.OccurredAt
	return c.Problem
}

func (k *checked) credit() *fault.Error {
	p := *k.item.Credit
	c := newChecker("credit")
	k.group = c.group(p.GroupID, p.GroupType)
	c.maybe("invoice", p.Invoice)
	c.maybe("reason", p.Reason)
	c.paid(p.ID, p.Amount, p.Currency, &p.OccurredAt)
	k.item.Credit, k.kind, k.id, k.at = &p, CreditKind, p.ID, p.OccurredAt
	return c.Problem
}

func (c *checker) payment(status *PaymentStatus) *PaymentStatus {
	if status == nil {
		return new(Succeeded)
	}
	intake.OneOf(&c.Checker, "status", *status, Pending, Succeeded, Failed)
	return status
}

func (c *checker) paid(id string, amount int64, currency string, at *time.Time) {
	c.text("id", id)
	c.amount("amount", amount, 1)
	c.currency("currency", currency)
	c.Instant("occurredAt", at)
}

func (k *checked) rate() *fault.Error {
	r := *k.item.Rate
	c := newChecker("rate")
	c.currency("base", r.Base)
	c.currency("currency", r.Currency)
	c.Need(r.Base != r.Currency, "currency", "A currency is worth one of itself.")
	day, err := calendar.ParseDate(r.Day)
	c.Need(err == nil && day >= calendar.NewDate(2000, 1, 1) && day < calendar.NewDate(2100, 1, 1), "day", "A date between the years 2000 and 2100 is needed, such as 2026-05-01.")
	_, err = parseRate(r.Rate)
	c.Need(err == nil, "rate", "A decimal number above 0 is needed, such as 1.0842, of at most 30 characters.")
	k.item.Rate, k.kind, k.day = &r, RateKind, day
	k.id = r.Base + "/" + r.Currency + "/" + r.Day
	return c.Problem
}

func clone(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(*t)
}
