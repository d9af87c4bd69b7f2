package revenue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

func statuses(list []Verdict) string {
	var words []string
	for _, v := range list {
		words = append(words, strings.TrimSpace(string(v.Status)+" "+v.Field))
	}
	return strings.Join(words, ", ")
}

func TestEachItemGetsAVerdict(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	rate := func(day, rate string) Item {
		return Item{Rate: &RateItem{Base: "EUR", Currency: "USD", Day: day, Rate: rate}}
	}
	first := []Item{
		subscribed("s1", "g1", "pro", "2026-01-05", Active), // its plan comes behind it
		monthly("pro", 1_000, "EUR"),
		subscribed("s2", "g2", "none", "2026-01-05", Active),
		subscribed("s3", "undefined", "pro", "2026-01-05", Active),
		{},
		rate("2026-01-01", "1.10"),
		rate("2026-02-30", "1.10"),
		{Charge: &ChargeItem{ID: "c1", GroupID: "g1", Amount: 0, Currency: "EUR", OccurredAt: At("2026-01-05")}},
		{Invoice: &InvoiceItem{ID: "i1", GroupID: "g1", Status: Paid, Currency: "EUR", OccurredAt: At("2026-01-05"), IssuedAt: At("2026-01-05"),
			Lines: []LineItem{{Kind: Recurring, Amount: 1_000, Tax: new(int64(190))}}}},
		subscribed("s1", "g1", "pro", "2026-01-05", Active),
	}
	want := "ACCEPTED, ACCEPTED, REJECTED subscription.plan, REJECTED subscription.groupId, REJECTED items, ACCEPTED, REJECTED rate.day, REJECTED charge.amount, ACCEPTED, DUPLICATE"
	if got := statuses(l.record(t, acme, first...)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	again := []Item{
		first[0], first[1], rate("2026-01-01", "1.1"), rate("2026-01-01", "1.2"),
		monthly("pro", 1_200, "EUR"),
		subscribed("s1", "g1", "pro", "2026-01-05", Paused),
		subscribed("s1", "g9", "pro", "2026-02-05", Active),
		subscribed("s1", "g1", "pro", "2026-02-05", Active, func(s *SubscriptionItem) { s.Currency = new("USD") }),
		first[8],
	}
	want = "DUPLICATE, DUPLICATE, DUPLICATE, ACCEPTED, CONFLICT plan.key, CONFLICT subscription.occurredAt, CONFLICT subscription.groupId, REJECTED subscription.amount, DUPLICATE"
	if got := statuses(l.record(t, acme, again...)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What is wrong with an item is told by the name of its field.
func TestABadItemIsTold(t *testing.T) {
	good := func() *SubscriptionItem {
		return &SubscriptionItem{ID: "s", GroupID: "g", Plan: "p", Status: Active, OccurredAt: At("2026-01-05")}
	}
	cases := map[string]func(*SubscriptionItem){
		"subscription.id":          func(s *SubscriptionItem) { s.ID = strings.Repeat("x", 201) },
		"subscription.groupType":   func(s *SubscriptionItem) { s.GroupType = new("") },
		"subscription.status":      func(s *SubscriptionItem) { s.Status = "GONE" },
		"subscription.quantity":    func(s *SubscriptionItem) { s.Quantity = new(0) },
		"subscription.amount":      func(s *SubscriptionItem) { s.Amount = new(int64(-1)) },
		"subscription.discount":    func(s *SubscriptionItem) { s.Discount = new(int64(-1)) },
		"subscription.currency":    func(s *SubscriptionItem) { s.Currency = new("eur") },
		"subscription.occurredAt":  func(s *SubscriptionItem) { s.OccurredAt = At("1999-01-05") },
		"subscription.endedAt":     func(s *SubscriptionItem) { s.EndedAt = new(At("2100-01-05")) },
		"subscription.trialEndsAt": func(s *SubscriptionItem) { s.TrialEndsAt = new(At("0001-01-01")) },
	}
	for field, spoil := range cases {
		s := good()
		spoil(s)
		if problem := Check(Item{Subscription: s}); problem == nil || problem.Field != field {
			t.Errorf("%s: %v", field, problem)
		}
	}
	if problem := Check(Item{Subscription: good()}); problem != nil {
		t.Error(problem)
	}
}

// Whoever has found a key in a page sends no revenue, nor does anybody send for another.
func TestRevenueIsSentWithAWriteKey(t *testing.T) {
	l := newLedger(t)
	acme, globex := l.tenant(t, "UTC"), l.tenant(t, "UTC")
	for _, kind := range []access.Kind{access.PublishKey, access.ReadKey} {
		who := sender(acme)
		who.Kind, who.Permissions = kind, kind.Permissions()
		_, err := l.revenue.Record(context.Background(), who, []Given{{Item: monthly("pro", 1, "EUR")}})
		if f, _ := fault.Of(err); f == nil || f.Code != fault.Forbidden {
			t.Errorf("%s: %v", kind, err)
		}
	}
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active))
	if got := statuses(l.record(t, globex, subscribed("s1", "g1", "pro", "2026-01-05", Active))); got != "REJECTED subscription.plan" {
		t.Errorf("of another's plan: %s", got)
	}
	l.take(t, globex, monthly("pro", 9_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active))
}

// toItem says a state in the words of a sender. What is drawn is charged by the month.
func toItem(id int64, s State) Item {
	some := func(name string) string { return fmt.Sprint(name, id) }
	item := &SubscriptionItem{
		ID: some("s"), GroupID: fmt.Sprint("g", id/10), Plan: fmt.Sprint("plan ", s.Plan), Status: s.Status,
		Amount: &s.Monthly, Currency: &s.Currency, OccurredAt: s.At,
	}
	if !s.Start.IsZero() {
		item.StartedAt = &s.Start
	}
	if !s.TrialStart.IsZero() {
		item.TrialStartsAt = &s.TrialStart
	}
	if !s.TrialEnd.IsZero() {
		item.TrialEndsAt = &s.TrialEnd
	}
	if !s.PeriodEnd.IsZero() {
		item.PeriodEndsAt = &s.PeriodEnd
	}
	if !s.Canceled.IsZero() {
		item.CanceledAt = &s.Canceled
	}
	if !s.End.IsZero() {
		item.EndedAt = &s.End
	}
	return Item{Subscription: item}
}

// derived writes what is derived of a tenant now, by the names that its senders use.
func (l *ledger) derived(t testkit.Failer, id tenant.ID) string {
	t.Helper()
	rows, err := l.Owner.Query(context.Background(), `
		select format('%s %s %s %s %s %s %s %s %s', a.group_id, s.external_id, p.key, m.at, m.day, m.kind, m.currency, m.amount, m.shown_at || coalesce('-' || m.hidden_at, ''))
		from mrr_movement m
		join account a using (tenant_id, account_id) join subscription s using (tenant_id, subscription_id) join plan p on p.tenant_id = m.tenant_id and p.plan_id = m.plan_id
		where m.tenant_id = $1 and m.superseded_at is null
		union all
		select format('trial %s %s %s %s %s', s.external_id, p.key, t.started_at, t.ended_at, t.converted)
		from trial t join subscription s using (tenant_id, subscription_id) join plan p on p.tenant_id = t.tenant_id and p.plan_id = t.plan_id
		where t.tenant_id = $1 and t.superseded_at is null
		union all
		select format('now %s %s %s %s %s', s.external_id, s.occurred_at, s.status, s.monthly, s.currency) from subscription s where s.tenant_id = $1
		order by 1`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Late, repeated and shuffled facts, in any batches, derive what facts in order do; and an account
// that is derived again loses nothing that still holds.
func TestTheOrderOfFactsDoesNotMatter(t *testing.T) {
	l := newLedger(t)
	rapid.Check(t, func(t *rapid.T) {
		var items []Item
		for id := range rapid.Int64Range(1, 2).Draw(t, "customers") {
			for of, states := range DrawCustomer(t, 10*(id+1)) {
				for _, s := range states {
					items = append(items, toItem(of, s))
				}
			}
		}
		plans := []Item{monthly("plan 1", 5, "EUR"), monthly("plan 2", 7, "EUR")}
		inOrder := slices.SortedFunc(slices.Values(items), func(a, b Item) int { return a.Subscription.OccurredAt.Compare(b.Subscription.OccurredAt) })
		once := l.tenant(t, "Europe/Berlin")
		l.take(t, once, append(slices.Clone(plans), inOrder...)...)
		want := l.derived(t, once)

		other := l.tenant(t, "Europe/Berlin")
		l.take(t, other, plans...)
		shuffled := rapid.Permutation(items).Draw(t, "shuffled")
		for len(shuffled) > 0 {
			n := rapid.IntRange(1, len(shuffled)).Draw(t, "batch")
			l.take(t, other, shuffled[:n]...)
			for _, v := range l.record(t, other, shuffled[:n]...) {
				if v.Status != "DUPLICATE" {
					t.Fatalf("said again: %+v", v)
				}
			}
			shuffled = shuffled[n:]
		}
		if got := l.derived(t, other); got != want {
			t.Fatalf("shuffled:\n%s\nwant\n%s", got, want)
		}
	})
}

// Another rule derives everything again, and back.
func TestTheRuleOfChurn(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active),
		subscribed("s1", "g1", "pro", "2026-02-10", Canceled, func(s *SubscriptionItem) { s.PeriodEndsAt = new(At("2026-03-05")) }))
	before := l.derived(t, acme)
	if !strings.Contains(before, "2026-03-05 00:00:00+00 2026-03-05 CHURN EUR -1000") {
		t.Errorf("at the end of the period: %s", before)
	}
	if err := l.revenue.SetRule(as(acme), AtCancellation); err != nil {
		t.Fatal(err)
	}
	if got := l.derived(t, acme); !strings.Contains(got, "2026-02-10 00:00:00+00 2026-02-10 CHURN EUR -1000") || strings.Contains(got, "2026-03-05") {
		t.Errorf("at cancellation: %s", got)
	}
	if err := l.revenue.SetRule(as(acme), AtPeriodEnd); err != nil {
		t.Fatal(err)
	}
	if got := l.derived(t, acme); got != before {
		t.Errorf("back again: %s", got)
	}
	if err := l.revenue.SetRule(as(acme), "NEVER"); err == nil {
		t.Error("there is no rule NEVER")
	}
}
