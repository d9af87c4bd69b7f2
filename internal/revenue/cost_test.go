package revenue_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// All metrics of revenue of one window are read by one round of statements, whatever there is.
func TestOneRoundReadsAllMetrics(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	items := []Item{monthly("pro", 1_000, "EUR"), {Rate: &RateItem{"EUR", "USD", "2026-01-01", "1.1"}}}
	for i := range 40 {
		items = append(items, subscribed(fmt.Sprint("s", i), fmt.Sprint("g", i), "pro", "2026-01-05", Active))
	}
	l.take(t, acme, items...)
	statements := &testkit.Statements{}
	metrics := metric.NewService(l.AnotherApp(t, statements), metric.NewCatalog(Metrics()))
	ask := between2026("01-01", "03-01")
	ask.Currency = "USD"
	var questions []*metric.Question
	for _, d := range Metrics() {
		questions = append(questions, &metric.Question{Of: d, Ask: ask})
	}
	for _, a := range metrics.Answer(as(acme), questions) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	want := map[string]int{"MrrOpening": 2, "MrrStanding": 2, "MrrMovementListOfRange": 2, "FxRateListOfRange": 1, "TrialListOfRange": 1, "RevenueNextChange": 3, "TenantGet": 1}
	if got := statements.TakeForAnswers(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read by %v, want %v", got, want)
	}
}

// The customers of all rows of a breakdown are read at once, and those of its rest and total.
func TestOneRoundListsAllRows(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	var items []Item
	for i := range 12 {
		plan := fmt.Sprint("plan ", i)
		items = append(items, monthly(plan, 1_000, "EUR"), subscribed(fmt.Sprint("s", i), fmt.Sprint("g", i), plan, "2026-01-05", Active))
	}
	l.take(t, acme, items...)
	statements := &testkit.Statements{}
	metrics := metric.NewService(l.AnotherApp(t, statements), metric.NewCatalog(Metrics()))
	read := func(top int, lists ...metric.ListAsk) int {
		q := metric.Question{Of: definition(t, "mrr"), Ask: between2026("01-01", "03-01"), By: []metric.Dimension{{Kind: metric.ByPlan}}, Top: top, Lists: lists}
		a := metrics.Answer(as(acme), []*metric.Question{&q})[0]
		if a.Err != nil || len(a.Breakdown.Rows) != top {
			t.Fatal(a.Err, " of ", top)
		}
		return statements.TakeForAnswers()["MrrMovementListOfRange"]
	}
	none := read(10)
	for _, top := range []int{2, 10} {
		if n := read(top, testkit.AllEntities); n != none+3 {
			t.Errorf("%d rows are read and listed by %d reads, without lists by %d", top, n, none)
		}
	}
}

// Who sees some rows alone is told nothing of revenue, nor is who may not read it.
func TestRevenueIsNotToldForSomeRows(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active))
	rows, err := access.ParseRows([]byte(`{"accounts": [{"group": "account", "in": ["g1"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	may := access.ReadKey.Permissions()
	for name, who := range map[string]access.Principal{
		"narrowed":      {Tenant: acme, Kind: access.MemberKind, Permissions: may, Rows: rows},
		"without leave": {Tenant: acme, Kind: access.MemberKind, Permissions: may &^ access.Of(access.ReadRevenue)},
	} {
		ctx := access.With(context.Background(), who)
		_, err := l.metrics().Value(ctx, definition(t, "mrr"), between2026("01-01", "03-01"))
		lists := metric.Question{Of: definition(t, "mrr"), Ask: between2026("01-01", "03-01"), Lists: []metric.ListAsk{testkit.AllEntities}}
		listed := l.metrics().Answer(ctx, []*metric.Question{&lists})[0].Err
		_, err2 := l.revenue.Subscriptions(ctx, SubscriptionQuery{}, 10, 0)
		_, err3 := l.revenue.MRR(ctx, []int64{1})
		for _, err := range []error{err, listed, err2, err3} {
			if f, _ := fault.Of(err); f == nil || f.Code != fault.Forbidden {
				t.Errorf("%s: %v, want FORBIDDEN", name, err)
			}
		}
	}
}
