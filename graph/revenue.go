package graph

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/intake"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// record takes in what a mutation brings.
func (r *Resolver) record(ctx context.Context, items []revenue.Item) (*model.RevenueResult, error) {
	who, err := access.Require(ctx, access.Ingest)
	if err != nil {
		return nil, err
	}
	verdicts, err := r.Revenue.Record(ctx, who, intake.Sent(items))
	return toRevenueResult(verdicts), err
}

func toRevenueResult(verdicts []revenue.Verdict) *model.RevenueResult {
	result := &model.RevenueResult{Verdicts: make([]model.RevenueVerdict, len(verdicts))}
	count := map[event.Status]*int{
		event.Accepted: &result.Accepted, event.Duplicate: &result.Duplicates, event.Conflict: &result.Conflicts, event.Rejected: &result.Rejected,
	}
	for i, v := range verdicts {
		*count[v.Status]++
		result.Verdicts[i] = model.RevenueVerdict{ID: v.ID, Status: v.Status}
		if v.Kind != "" {
			result.Verdicts[i].Kind = &v.Kind
		}
		if v.Reason != "" {
			result.Verdicts[i].Field, result.Verdicts[i].Reason = &v.Field, &v.Reason
		}
	}
	return result
}

// optionalNumber reads an argument that is the id of a thing of this kind, or not given.
func optionalNumber(kind, argument string, id *string) (*int64, error) {
	if id == nil {
		return nil, nil
	}
	n, err := numberOf(kind, argument, *id)
	return &n, err
}

// beforeNumber reads the cursor of a list that goes down from the latest.
func beforeNumber(after *string) (int64, error) {
	before, err := placeOf(after, parseNumber)
	if before == nil {
		return math.MaxInt64, err
	}
	return *before, err
}

func subscriptionQuery(status *revenue.Status, account, plan *string) (q revenue.SubscriptionQuery, err error) {
	q.Status = status
	if q.Account, err = optionalNumber(accountNode, "account", account); err != nil {
		return q, err
	}
	q.Plan, err = optionalNumber(pricePlanNode, "plan", plan)
	return q, err
}

func paymentQuery(kind *revenue.PaymentKind, account, invoice *string) (q revenue.PaymentQuery, err error) {
	q.Kind = kind
	if q.Account, err = optionalNumber(accountNode, "account", account); err != nil {
		return q, err
	}
	q.Invoice, err = optionalNumber(invoiceNode, "invoice", invoice)
	return q, err
}

func movementQuery(span *model.SpanInput, kind *revenue.Kind, account *string) (q revenue.MovementQuery, err error) {
	q.Kind = kind
	if span != nil {
		q.From, q.To = span.From, span.To
	}
	q.Account, err = optionalNumber(accountNode, "account", account)
	return q, err
}

func planConnection(ctx context.Context, page customer.Page[revenue.Plan], after *string) *model.PlanConnection {
	c := &model.PlanConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.PlanEdge](ctx, page.Items, page.More, after, func(p *revenue.Plan) string { return decimal(p.ID) })
	return c
}

func subscriptionConnection(ctx context.Context, page customer.Page[revenue.Subscription], after *string) *model.CustomerSubscriptionConnection {
	c := &model.CustomerSubscriptionConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.CustomerSubscriptionEdge](ctx, page.Items, page.More, after,
		func(s *revenue.Subscription) string { return decimal(s.ID) })
	return c
}

func invoiceConnection(ctx context.Context, page customer.Page[revenue.Invoice], after *string) *model.InvoiceConnection {
	c := &model.InvoiceConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.InvoiceEdge](ctx, page.Items, page.More, after, func(i *revenue.Invoice) string { return decimal(i.ID) })
	return c
}

func paymentConnection(ctx context.Context, page customer.Page[revenue.Payment], after *string) *model.PaymentConnection {
	c := &model.PaymentConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.PaymentEdge](ctx, page.Items, page.More, after, func(p *revenue.Payment) string { return decimal(p.ID) })
	return c
}

func movementConnection(ctx context.Context, page customer.Page[revenue.Moved], after *string) *model.MrrMovementConnection {
	c := &model.MrrMovementConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.MrrMovementEdge](ctx, page.Items, page.More, after,
		func(m *revenue.Moved) string { return movementKey(revenue.Place{At: m.At, ID: m.ID}) })
	return c
}

func rateConnection(ctx context.Context, page customer.Page[revenue.ExchangeRate], after *string) *model.ExchangeRateConnection {
	c := &model.ExchangeRateConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.ExchangeRateEdge](ctx, page.Items, page.More, after,
		func(r *revenue.ExchangeRate) string { return rateKey(revenue.RatePlace{Day: r.Day, ID: r.ID}) })
	return c
}

// movementKey writes where a movement stands: instant and number.
func movementKey(p revenue.Place) string { return fmt.Sprintf("%d.%d", p.At.UnixMicro(), p.ID) }

func parseMovementKey(key string) (p revenue.Place, ok bool) {
	at, id, _ := strings.Cut(key, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	number, ok := parseNumber(id)
	p = revenue.Place{At: time.UnixMicro(micros).UTC(), ID: number}
	return p, err == nil && ok && movementKey(p) == key && p.At.Year() >= 2000 && p.At.Year() <= 9999
}

// rateKey writes where a rate stands: day and number.
func rateKey(p revenue.RatePlace) string { return fmt.Sprintf("%s.%d", p.Day, p.ID) }

func parseRateKey(key string) (p revenue.RatePlace, ok bool) {
	on, id, _ := strings.Cut(key, ".")
	day, err := calendar.ParseDate(on)
	number, ok := parseNumber(id)
	p = revenue.RatePlace{Day: day, ID: number}
	return p, err == nil && ok && rateKey(p) == key
}

// accountOf finds an account that must be there.
func accountOf(ctx context.Context, id int64) (*customer.Account, error) {
	return existing(loader.From(ctx).Account.Load(ctx, id)())
}

func planOf(ctx context.Context, id int64) (*revenue.Plan, error) {
	return existing(loader.From(ctx).Plan.Load(ctx, id)())
}

// moneyOf is what an account pays: nothing, if nothing is known.
func moneyOf(found *[]metric.Money, err error) ([]metric.Money, error) {
	if found == nil {
		return []metric.Money{}, err
	}
	return *found, err
}
