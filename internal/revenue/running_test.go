package revenue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// months asks for the month that runs, one before and one ahead.
func months(currency string) (metric.Ask, time.Time) {
	now := time.Now().UTC()
	running := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return metric.Ask{From: new(running.AddDate(0, -1, 0)), To: new(running.AddDate(0, 2, 0)), Interval: calendar.Month, Currency: currency}, running
}

func (l *ledger) series(t *testing.T, id tenant.ID, key string, ask metric.Ask) []string {
	t.Helper()
	series, err := l.metrics().Series(as(id), definition(t, key), ask)
	if err != nil {
		t.Fatal(key, ": ", err)
	}
	list := []string{}
	for _, v := range series.Values {
		list = append(list, show(v))
	}
	return list
}

// A subscription is to end, to be raised and to begin after now: the running bucket, and one that
// is ahead, tell what has happened as of the watermark, and nothing that lies ahead.
func TestWhatLiesAheadIsNotInARunningBucket(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	ask, running := months("EUR")
	soon, said := time.Now().UTC().Add(26*time.Hour), running.AddDate(0, -1, 5)
	dated := func(id string, at time.Time, status Status, set ...func(*SubscriptionItem)) Item {
		item := subscribed(id, id, "pro", "2026-01-01", status, set...)
		item.Subscription.OccurredAt = at
		return item
	}
	l.take(t, acme, monthly("pro", 1_000, "EUR"),
		dated("stays", said, Active), dated("ends", said, Active), dated("left", said, Active),
		dated("left", running, Canceled), // as the month began, so that it is done whenever this is run
		dated("ends", running, Canceled, func(s *SubscriptionItem) { s.PeriodEndsAt = &soon }),
		dated("begins", running, Active, func(s *SubscriptionItem) { s.StartedAt = &soon }),
		dated("tries", running, Active, func(s *SubscriptionItem) { s.TrialStartsAt, s.TrialEndsAt = &running, &soon }),
		dated("will try", running, Active, func(s *SubscriptionItem) {
			s.StartedAt, s.TrialStartsAt, s.TrialEndsAt = &soon, &soon, new(soon.AddDate(0, 0, 14))
		}),
	)
	for key, want := range map[string][]string{
		"mrr": {"3000", "2000", "2000"}, "paying_customers": {"3", "2", "2"},
		"mrr_new": {"3000", "0", "0"}, "mrr_churn": {"0", "1000", "0"}, "mrr_expansion": {"0", "0", "0"}, "mrr_fx": {"0", "0", "0"},
		"customer_churn": {"none", "0.3333333333333333", "0"}, "grr": {"none", "0.6666666666666666", "1"}, "nrr": {"none", "0.6666666666666666", "1"},
		"quick_ratio": {"none", "0", "none"}, "trials": {"0", "1", "0"}, "trial_conversion": {"none", "none", "none"},
		"ltv": {"none", "none", "none"}, // of the months that are over nobody left, and the one that runs is not over
	} {
		if got := l.series(t, acme, key, ask); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	by := metric.Question{Of: definition(t, "mrr"), Ask: ask, By: []metric.Dimension{{Kind: metric.ByAccount}}, Top: 10}
	by.Interval = ""
	answer := l.metrics().Answer(as(acme), []*metric.Question{&by})[0]
	if answer.Err != nil {
		t.Fatal(answer.Err)
	}
	told := map[string]string{}
	for _, row := range answer.Breakdown.Rows {
		told[*row.Keys[0]] = show(row.Value)
	}
	if told["ends"] != "1000" || told["stays"] != "1000" || told["begins"] != "" || told["tries"] != "" {
		t.Errorf("by account: %v", told)
	}
	stays := metric.Ask{From: &running, To: new(running.AddDate(0, 1, 0)), Currency: "EUR", Compare: []metric.Comparison{{Kind: metric.PreviousPeriod}}}
	value, err := l.metrics().Value(as(acme), definition(t, "mrr_churn"), stays)
	if err != nil {
		t.Fatal(err)
	}
	if show(value.Value) != "1000" || show(value.Comparisons[0].Value) != "0" || value.Comparisons[0].Ratio != nil || value.Complete() {
		t.Errorf("against the month before: %s, %s, complete %v", show(value.Value), show(value.Comparisons[0].Value), value.Complete())
	}
}

// A rate that is known for a day ahead counts from that day on: until then it converts nothing, and
// an answer says that it holds until then.
func TestARateAheadCountsFromItsDayOn(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "Europe/Berlin")
	berlin, err := calendar.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	today := berlin.DateOf(time.Now())
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active),
		Item{Rate: &RateItem{"EUR", "USD", "2026-01-01", "1.5"}},
		Item{Rate: &RateItem{"EUR", "USD", (today + 2).String(), "2"}}, Item{Rate: &RateItem{"EUR", "USD", (today + 1).String(), "3"}})
	from, to := berlin.StartOf(today-3), berlin.StartOf(today+7)
	ask := metric.Ask{From: &from, To: &to, Currency: "USD"}
	ctx, noted := topic.Record(as(acme))
	value, err := l.metrics().Value(ctx, definition(t, "mrr"), ask)
	if err != nil {
		t.Fatal(err)
	}
	if show(value.Value) != "1500" {
		t.Errorf("MRR is %s, want 1500 by the rate of today", show(value.Value))
	}
	if got := noted.Until(); !got.Equal(berlin.StartOf(today + 1)) {
		t.Errorf("it is said to hold until %v, want %v", got, berlin.StartOf(today+1))
	}
	if got := l.value(t, acme, "mrr_fx", ask); got != "0" {
		t.Errorf("rates moved MRR by %s before their day", got)
	}
}

// The database's clock says what is due, and not that of the machine that asks, also where it has
// guessed ahead what would be asked for. Here the database is an hour behind.
func TestTheDatabasesClockSaysWhatIsDue(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.Exec(t, `create function public.now() returns timestamptz language sql stable as 'select pg_catalog.now() - interval ''1 hour'''`)
	l.Exec(t, `do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$`)
	past := time.Now().UTC().Add(-30 * time.Minute)
	ended := subscribed("s1", "g1", "pro", "2026-01-06", Canceled, func(s *SubscriptionItem) { s.EndedAt = &past })
	tried := subscribed("s2", "g2", "pro", "2026-01-06", Active, func(s *SubscriptionItem) {
		s.TrialStartsAt, s.TrialEndsAt, s.Quantity = new(At("2026-01-05")), &past, new(3)
	})
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active), ended, tried)
	behind := metric.NewService(l.AnotherApp(t, nil), metric.NewCatalog(metric.Builtin(), Metrics()))
	ask := metric.Ask{From: new(At("2026-01-01")), To: new(At("2099-01-01")), Currency: "EUR"}
	for range 3 { // from the second time on it is guessed
		for key, want := range map[string]string{"mrr": "1000", "mrr_churn": "0", "trial_conversion": "none"} {
			value, err := behind.Value(as(acme), definition(t, key), ask)
			if err != nil {
				t.Fatal(err)
			}
			if show(value.Value) != want {
				t.Errorf("%s as of %v: %s, want %s", key, value.Watermark, show(value.Value), want)
			}
		}
	}
	accounts := NewService(l.AnotherApp(t, nil))
	for name, read := range map[string]func(context.Context) error{
		"MRR":  func(ctx context.Context) error { _, err := accounts.MRR(ctx, nil); return err },
		"plan": func(ctx context.Context) error { _, err := accounts.PlanOf(ctx, nil); return err },
	} {
		ctx, noted := topic.Record(as(acme))
		if err := read(ctx); err != nil {
			t.Fatal(err)
		}
		if got := noted.Until(); got.Sub(past).Abs() > time.Millisecond {
			t.Errorf("%s is said to hold until %v, want %v", name, got, past)
		}
	}
}

// Who left after a quarter began, and before what is asked for, is in no group of it: neither before
// that quarter is materialized nor after.
func TestWhoHasLeftIsInNoGroup(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "stays", "pro", "2026-01-05", Active),
		subscribed("s2", "left", "pro", "2026-01-05", Active), subscribed("s2", "left", "pro", "2026-04-10", Canceled))
	for _, when := range []string{"open", "materialized"} {
		answer := l.metrics().Answer(as(acme), []*metric.Question{{
			Of: definition(t, "mrr"), Ask: between2026("05-01", "06-01"), By: []metric.Dimension{{Kind: metric.ByAccount}}, Top: 10,
		}})[0]
		if answer.Err != nil {
			t.Fatal(answer.Err)
		}
		if b := answer.Breakdown; b.Groups != 1 || len(b.Rows) != 1 || *b.Rows[0].Keys[0] != "stays" {
			t.Errorf("%s: %d groups, %+v", when, b.Groups, b.Rows)
		}
		l.materialize(t)
	}
}

// What is billed besides, as tax, set-up and what came in or went back, is no MRR, and a discount is
// not in it: an annual 2,000.00, billed with tax and a set-up fee, is 166.67 a month.
func TestOnlyRecurringChargesNetOfDiscountsAreMRR(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	when := At("2026-02-05")
	l.take(t, acme, Item{Plan: &PlanItem{Key: "annual", Amount: 200_000, Currency: "EUR", Interval: Year}}, monthly("pro", 1_000, "EUR"),
		subscribed("s1", "g1", "annual", "2026-02-05", Active),
		subscribed("s2", "g2", "pro", "2026-02-05", Active, func(s *SubscriptionItem) { s.Discount = new(int64(250)) }),
		subscribed("s3", "g3", "pro", "2026-02-05", Trialing))
	ask := between2026("02-01", "03-01")
	if got := l.value(t, acme, "mrr", ask); got != "17417" {
		t.Errorf("MRR is %s, want 16667 and 750", got)
	}
	l.take(t, acme,
		Item{Invoice: &InvoiceItem{ID: "i1", GroupID: "g1", Status: Paid, Currency: "EUR", OccurredAt: when, IssuedAt: when, Lines: []LineItem{
			{Kind: Recurring, Amount: 200_000, Tax: new(int64(38_000))}, {Kind: OneOff, Amount: 50_000, Tax: new(int64(9_500))}}}},
		Item{Charge: &ChargeItem{ID: "c1", GroupID: "g1", Amount: 297_500, Currency: "EUR", OccurredAt: when}},
		Item{Refund: &RefundItem{ID: "r1", GroupID: "g1", Amount: 1_000, Currency: "EUR", OccurredAt: when}},
		Item{Credit: &CreditItem{ID: "k1", GroupID: "g2", Amount: 500, Currency: "EUR", OccurredAt: when}})
	for key, want := range map[string]string{"mrr": "17417", "mrr_new": "17417", "mrr_contraction": "0", "arr": "209004", "paying_customers": "2", "arpa": "8709"} {
		if got := l.value(t, acme, key, ask); got != want {
			t.Errorf("%s with all that is billed: %s, want %s", key, got, want)
		}
	}
}
