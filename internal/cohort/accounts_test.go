package cohort_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// payTheirWay gives a company accounts: big pays 300 a month for pro, small 100 for basic, trying
// tries pro, gone has cancelled, and none never paid. Each has a user of its name; ann belongs to
// big and to none.
func payTheirWay(t *testing.T, h *house, id tenant.ID) {
	t.Helper()
	now := time.Now().UTC()
	var events []event.Incoming
	for user, group := range map[string]string{"big": "big", "small": "small", "trying": "trying", "gone": "gone", "none": "none"} {
		events = append(events, event.Incoming{MessageID: "g-" + user, Type: "$group", UserID: user, GroupID: group, Timestamp: now.AddDate(0, 0, -60)})
	}
	events = append(events,
		event.Incoming{MessageID: "ann-1", Type: "$group", UserID: "ann", GroupID: "big", Timestamp: now.AddDate(0, 0, -60)},
		event.Incoming{MessageID: "ann-2", Type: "$group", UserID: "ann", GroupID: "none", Timestamp: now.AddDate(0, 0, -59)},
		event.Incoming{MessageID: "solo", Type: "Opened", UserID: "solo", Timestamp: now.AddDate(0, 0, -1)})
	h.send(t, id, events...)
	stand := func(group, plan string, amount int64, status revenue.Status, days int) revenue.Given {
		at := now.AddDate(0, 0, -days)
		s := &revenue.SubscriptionItem{ID: "s-" + group, GroupID: group, Plan: plan, Status: status, Amount: &amount, OccurredAt: at}
		switch status {
		case revenue.Trialing:
			end := now.AddDate(0, 0, 10)
			s.TrialStartsAt, s.TrialEndsAt = &at, &end
		case revenue.Canceled:
			s.CanceledAt, s.EndedAt = &at, &at
		}
		return revenue.Given{Item: revenue.Item{Subscription: s}}
	}
	given := []revenue.Given{
		{Item: revenue.Item{Plan: &revenue.PlanItem{Key: "pro", Amount: 300, Currency: "USD", Interval: revenue.Month}}},
		{Item: revenue.Item{Plan: &revenue.PlanItem{Key: "basic", Amount: 100, Currency: "USD", Interval: revenue.Month}}},
		stand("big", "pro", 300, revenue.Active, 50), stand("small", "basic", 100, revenue.Active, 50),
		stand("trying", "pro", 300, revenue.Trialing, 4), stand("gone", "basic", 100, revenue.Active, 50), stand("gone", "basic", 100, revenue.Canceled, 20),
	}
	who := access.Principal{Tenant: id, Kind: access.WriteKey, Source: "billing", Permissions: access.WriteKey.Permissions()}
	verdicts, err := revenue.NewService(h.App).Record(context.Background(), who, given)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatal("not taken: ", v)
		}
	}
}

// Leaves of what accounts pay, and of how they do, hold for who belongs to one of them.
func TestLeavesOfAccounts(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	payTheirWay(t, h, acme)
	payTheirWay(t, h, globex)
	h.Exec(t, `insert into health_score (tenant_id, account_id, score, inputs, changed_at)
		select tenant_id, account_id, case group_id when 'big' then 900 when 'small' then 600 when 'gone' then 100 end, '[]', now() from account where tenant_id = $1`, acme)
	plan := func(keys ...string) cohort.Condition { return cohort.Condition{Plan: keys} }
	mrr := func(operator metric.Operator, amount int64) cohort.Condition {
		return cohort.Condition{MRR: &cohort.Amount{Operator: operator, Amount: amount, Currency: "USD"}}
	}
	doing := func(bands ...health.Band) cohort.Condition { return cohort.Condition{Health: bands} }
	for _, c := range []struct {
		name      string
		condition cohort.Condition
		want      string
	}{
		{"a plan, paid for or tried", plan("pro"), "ann big trying"},
		{"one that was given up is none", plan("basic"), "small"},
		{"one of several", plan("basic", "pro"), "ann big small trying"},
		{"a plan that there is not", plan("other"), ""},
		{"as much", mrr(metric.Equals, 300), "ann big"},
		{"at least so much", mrr(metric.AtLeast, 100), "ann big small"},
		{"more", mrr(metric.GreaterThan, 100), "ann big"},
		{"less: who pays nothing comes to 0", mrr(metric.LessThan, 100), "ann gone none trying"},
		{"nothing", mrr(metric.Equals, 0), "ann gone none trying"},
		{"another amount than that of one of theirs", mrr(metric.NotEquals, 300), "ann gone none small trying"},
		{"who does not belong to any is not less", cohort.Condition{Not: &cohort.Condition{MRR: &cohort.Amount{Operator: metric.AtMost, Amount: 1_000, Currency: "USD"}}}, "solo"},
		{"at risk", doing(health.AtRisk), "gone"},
		{"one of two bands", doing(health.Neutral, health.Healthy), "ann big small"},
	} {
		if err := c.condition.Check("condition"); err != nil {
			t.Fatal(err)
		}
		found, err := h.cohorts.FindAll(as(acme), acme, &c.condition)
		if err != nil {
			t.Fatal(c.name, ": ", err)
		}
		if got := strings.Join(named(found.Persons, h.names(t, acme)), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	atRisk := doing(health.AtRisk)
	if found, err := h.cohorts.FindAll(as(globex), globex, &atRisk); err != nil || len(found.Persons) != 0 {
		t.Errorf("of another company %v, %v", found.Persons, err)
	}
}
