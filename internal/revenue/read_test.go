package revenue_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

func (l *ledger) metrics() *metric.Service {
	return metric.NewService(l.App, metric.NewCatalog(metric.Builtin(), Metrics()))
}

// materialize closes the days that are over, and opens the quarters.
func (l *ledger) materialize(t testkit.Failer) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	if err := metric.NewCloser(l.Worker, logger).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := NewOpener(l.Worker, logger).Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// company is a tenant with a history that is also kept in memory.
type company struct {
	id        tenant.ID
	home      calendar.Zone
	customers map[int64]map[int64][]State
	quotes    []Quote
}

func (l *ledger) found(t *rapid.T) company {
	c := company{customers: map[int64]map[int64][]State{}}
	name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/St_Johns"}).Draw(t, "home")
	c.home, _ = calendar.LoadZone(name)
	c.id = l.tenant(t, name)
	items := []Item{monthly("plan 1", 5, "EUR"), {Plan: &PlanItem{Key: "plan 2", Amount: 7, Currency: "EUR", Interval: Month, IntervalCount: new(1)}}}
	for id := range rapid.Int64Range(1, 3).Draw(t, "customers") {
		c.customers[id+1] = DrawCustomer(t, 10*(id+1))
		for of, states := range c.customers[id+1] {
			for _, s := range states {
				items = append(items, toItem(of, s))
			}
		}
	}
	for _, currency := range []string{"USD", "JPY"} {
		for _, day := range []string{"2025-01-01", "2026-03-29", "2026-04-01"} {
			rate := fmt.Sprintf("1.%03d", rapid.IntRange(1, 999).Draw(t, "rate"))
			items = append(items, Item{Rate: &RateItem{"EUR", currency, day, rate}})
			on, _ := calendar.ParseDate(day)
			exact, _ := new(big.Rat).SetString(rate)
			c.quotes = append(c.quotes, Quote{on, "EUR", currency, exact})
		}
	}
	l.take(t, c.id, items...)
	return c
}

// fold is the company's in memory, from the first of its movements.
func (c company) fold(t *rapid.T, by func(int64, Leaf) int, buckets []calendar.Bucket) []Cells {
	cells, err := FoldInEuros(c.home, c.quotes, c.customers, by, buckets)
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// What is read, be it by way of a quarter or without, is what a fold of all movements gives.
func TestReadEqualsAFold(t *testing.T) {
	l := newLedger(t)
	metrics := l.metrics()
	rapid.Check(t, func(t *rapid.T) {
		c := l.found(t)
		if rapid.Bool().Draw(t, "materialize") {
			l.materialize(t)
		}
		zone := rapid.SampledFrom([]string{"UTC", "Asia/Kathmandu", "America/Los_Angeles"}).Draw(t, "zone")
		interval := rapid.SampledFrom([]calendar.Interval{calendar.Day, calendar.Week, calendar.Month, calendar.Hour}).Draw(t, "interval")
		from := At("2026-03-20").Add(time.Duration(rapid.IntRange(0, 16*24*60).Draw(t, "from")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(1, 16*24*60).Draw(t, "long")) * time.Minute)
		ask := metric.Ask{From: &from, To: &to, Zone: zone, Interval: interval, Currency: "EUR"}
		asked, _ := calendar.LoadZone(zone)
		grid := calendar.Grid{Zone: asked, Interval: interval, WeekStart: time.Monday}
		buckets, err := grid.Buckets(from, to, 2_000)
		if err != nil {
			t.Fatal(err)
		}
		buckets[0].Start, buckets[len(buckets)-1].End = from, to
		cells := c.fold(t, func(int64, Leaf) int { return 0 }, buckets)
		for _, d := range Metrics() {
			if d.Needs[0].Reader != Movements || len(cells) == 0 || d.Key == "ltv" {
				continue
			}
			series, err := metrics.Series(as(c.id), d, ask)
			if err != nil {
				t.Fatal(err)
			}
			for i := range buckets {
				if got, want := series.Values[i], figure(d, cells[0][i][:]); !equal(got, want) {
					t.Fatalf("%s of %v: %v, want %v", d.Key, buckets[i], show(got), show(want))
				}
			}
		}
		c.compareGroups(t, metrics, ask, calendar.Bucket{Start: from, End: to})
	})
}

// compareGroups asks by plan and by customer.
func (c company) compareGroups(t *rapid.T, metrics *metric.Service, ask metric.Ask, whole calendar.Bucket) {
	ask.Interval = ""
	var names []string
	named := func(name string) int {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return slices.Index(names, name)
	}
	by := rapid.SampledFrom([]struct {
		kind metric.DimensionKind
		of   func(int64, Leaf) int
	}{
		{metric.ByAccount, func(account int64, _ Leaf) int { return named(fmt.Sprint("g", account)) }},
		{metric.ByCurrency, func(_ int64, l Leaf) int { return named(l.Currency) }},
		{metric.ByPlan, func(_ int64, l Leaf) int { return named(fmt.Sprint("plan ", l.Plan)) }},
	}).Draw(t, "by")
	cells := c.fold(t, by.of, []calendar.Bucket{whole})
	for _, key := range []string{"mrr", "mrr_expansion", "nrr", "paying_customers"} {
		d := Metrics()[slices.IndexFunc(Metrics(), func(d *metric.Definition) bool { return d.Key == key })]
		answer := metrics.Answer(as(c.id), []*metric.Question{{Of: d, Ask: ask, By: []metric.Dimension{{Kind: by.kind}}, Top: 10}})[0]
		if answer.Err != nil {
			t.Fatal(answer.Err)
		}
		for _, row := range answer.Breakdown.Rows {
			g := slices.Index(names, *row.Keys[0])
			if g < 0 {
				t.Fatalf("%s has a group %q", key, *row.Keys[0])
			}
			if want := figure(d, cells[g][0][:]); !equal(row.Value, want) {
				t.Fatalf("%s of %s: %v, want %v", key, names[g], show(row.Value), show(want))
			}
		}
		known := 0 // who had left before is in no group
		for _, c := range cells {
			if slices.ContainsFunc(c[0][:], func(n int64) bool { return n != 0 }) {
				known++
			}
		}
		if answer.Breakdown.Groups != known {
			t.Fatalf("%s has %d groups, want %d", key, answer.Breakdown.Groups, known)
		}
	}
}

func figure(d *metric.Definition, c []int64) *float64 {
	values := make([]float64, len(d.Needs))
	for i, need := range d.Needs {
		values[i] = float64(c[slices.Index(Columns[:], need.Name)])
	}
	if d.Calc == nil {
		return &values[0]
	}
	return d.Calc(values)
}

func equal(a, b *float64) bool {
	return a == nil && b == nil || a != nil && b != nil && math.Abs(*a-*b) < 1e-9
}

func show(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

func (l *ledger) value(t *testing.T, id tenant.ID, key string, ask metric.Ask) string {
	t.Helper()
	v, err := l.metrics().Value(as(id), definition(t, key), ask)
	if err != nil {
		t.Fatal(key, ": ", err)
	}
	return show(v.Value)
}

func between2026(from, to string) metric.Ask {
	return metric.Ask{From: new(At("2026-" + from)), To: new(At("2026-" + to)), Currency: "EUR"}
}

// A late fact changes the past, and what was known before stays known.
func TestWhatWasKnownStaysKnown(t *testing.T) {
	l := newLedger(t)
	acme, globex := l.tenant(t, "UTC"), l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active))
	l.materialize(t)
	var then time.Time
	if err := l.Owner.QueryRow(context.Background(), `select clock_timestamp()`).Scan(&then); err != nil {
		t.Fatal(err)
	}
	l.take(t, acme, subscribed("s1", "g1", "pro", "2026-02-10", Active, func(s *SubscriptionItem) { s.Quantity = new(3) }),
		subscribed("s2", "g2", "pro", "2026-02-12", Active))
	march := between2026("02-01", "03-01")
	for key, want := range map[string]string{"mrr": "4000", "mrr_new": "1000", "mrr_expansion": "2000", "paying_customers": "2", "nrr": "3"} {
		if got := l.value(t, acme, key, march); got != want {
			t.Errorf("%s now: %s, want %s", key, got, want)
		}
	}
	march.AsOf = &then
	for key, want := range map[string]string{"mrr": "1000", "mrr_new": "0", "mrr_expansion": "0", "paying_customers": "1", "nrr": "1"} {
		if got := l.value(t, acme, key, march); got != want {
			t.Errorf("%s as it was known: %s, want %s", key, got, want)
		}
	}
	if got := l.value(t, globex, "mrr", between2026("02-01", "03-01")); got != "0" {
		t.Errorf("Globex has %s of Acme's", got)
	}
}

// What is due counts from its instant on, without anybody doing anything; what lies beyond the
// watermark is not told as done.
func TestWhatIsDueIsNotDone(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "EUR"), subscribed("s1", "g1", "pro", "2026-01-05", Active),
		subscribed("s1", "g1", "pro", "2026-02-05", Canceled, func(s *SubscriptionItem) { s.PeriodEndsAt = new(At("2090-01-01")) }),
		subscribed("s2", "g2", "pro", "2026-01-05", Trialing, func(s *SubscriptionItem) { s.TrialStartsAt = new(At("2026-01-05")) }))
	ask := metric.Ask{From: new(At("2026-01-01")), To: new(At("2099-01-01")), Currency: "EUR"}
	for key, want := range map[string]string{"mrr": "1000", "mrr_churn": "0", "trials": "1", "trial_conversion": "none", "mrr_new": "1000"} {
		if got := l.value(t, acme, key, ask); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// ARPA by the mean churn of six months: 1 of 10 customers left in one of them.
func TestLifetimeLooksBackSixMonths(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	items := []Item{monthly("pro", 1_000, "EUR")}
	for i := range 10 {
		items = append(items, subscribed(fmt.Sprint("s", i), fmt.Sprint("g", i), "pro", "2026-01-05", Active))
	}
	l.take(t, acme, append(items, subscribed("s0", "g0", "pro", "2026-04-05", Canceled))...)
	for ask, want := range map[[2]string]string{
		{"07-01", "08-01"}: "60000", // February to July: 0.1 / 6
		{"07-01", "07-20"}: "50000", // January had no customers at its start, so February to June: 0.1 / 5
		{"10-01", "11-01"}: "none",  // nobody has left since
		{"02-01", "03-01"}: "none",  // nor until then
		{"04-10", "05-01"}: "30000", // February to April
	} {
		if got := l.value(t, acme, "ltv", between2026(ask[0], ask[1])); got != want {
			t.Errorf("%v: %s, want %s", ask, got, want)
		}
	}
}

// Without a rate there is no figure, and the problem says which rate is missing.
func TestAMissingRateIsAProblem(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "USD"), subscribed("s1", "g1", "pro", "2026-01-05", Active))
	_, err := l.metrics().Value(as(acme), definition(t, "mrr"), between2026("02-01", "03-01"))
	if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || f.Field != "currency" {
		t.Errorf("got %v", err)
	}
	var questions []*metric.Question
	for _, key := range []string{"mrr", "paying_customers", "trials"} {
		questions = append(questions, &metric.Question{Of: definition(t, key), Ask: between2026("02-01", "03-01")})
	}
	questions = append(questions, &metric.Question{Of: definition(t, "mrr"), Ask: between2026("02-01", "03-01"), By: []metric.Dimension{{Kind: metric.ByPlan}}, Top: 5})
	for i, answer := range l.metrics().Answer(as(acme), questions) {
		if (answer.Err == nil) != (i == 2) {
			t.Errorf("question %d beside others: %v", i, answer.Err)
		}
	}
	dollars := between2026("02-01", "03-01")
	dollars.Currency = "USD"
	if got := l.value(t, acme, "mrr", dollars); got != "1000" {
		t.Errorf("in its own currency: %s", got)
	}
	l.take(t, acme, Item{Rate: &RateItem{"USD", "EUR", "2026-01-01", "0.9"}})
	if got := l.value(t, acme, "mrr", between2026("02-01", "03-01")); got != "900" {
		t.Errorf("with a rate: %s", got)
	}
}
