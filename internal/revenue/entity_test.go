package revenue_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
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

type listing testkit.Listing

// Whatever is asked of revenue, and as of whenever, what it lists adds up to the figure, and
// pages of it are parts of one list.
func TestListsAddUpToTheirFigures(t *testing.T) {
	l := newLedger(t)
	metrics := l.metrics()
	rapid.Check(t, func(t *rapid.T) {
		c := l.found(t)
		if rapid.Bool().Draw(t, "materialize") {
			l.materialize(t)
		}
		var then time.Time
		if err := l.Owner.QueryRow(context.Background(), `select clock_timestamp()`).Scan(&then); err != nil {
			t.Fatal(err)
		}
		more := DrawCustomer(t, 100)
		for of, states := range more {
			for _, s := range states {
				l.take(t, c.id, toItem(of, s))
			}
		}
		for range 3 {
			q := drawQuestion(t)
			if rapid.IntRange(0, 2).Draw(t, "in the past") == 0 {
				q.AsOf = &then
			}
			checkLists(t, metrics, c.id, q)
		}
	})
}

// listable are the metrics that are made of something.
func listable() []*metric.Definition {
	return slices.DeleteFunc(Metrics(), func(d *metric.Definition) bool { return d.Entities == nil })
}

// drawQuestion asks in each of the three ways, in each currency.
func drawQuestion(t *rapid.T) metric.Question {
	from := At("2026-03-20").Add(time.Duration(rapid.IntRange(0, 16*24*60).Draw(t, "from")) * time.Minute)
	to := from.Add(time.Duration(rapid.IntRange(1, 16*24*60).Draw(t, "long")) * time.Minute)
	q := metric.Question{Of: rapid.SampledFrom(listable()).Draw(t, "of"), Ask: metric.Ask{
		From: &from, To: &to, Currency: rapid.SampledFrom([]string{"EUR", "USD", "JPY"}).Draw(t, "in"),
		Zone: rapid.SampledFrom([]string{"UTC", "Asia/Kathmandu", "America/Los_Angeles"}).Draw(t, "zone"),
	}}
	if rapid.IntRange(0, 2).Draw(t, "filtered") == 0 {
		q.Filter = &metric.Filter{Is: &metric.Condition{
			Dimension: metric.Dimension{Kind: metric.ByPlan}, Operator: metric.Equals, Values: []any{"plan 1"},
		}}
	}
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		q.Series = true
		q.Interval = rapid.SampledFrom([]calendar.Interval{calendar.Day, calendar.Week, calendar.Month}).Draw(t, "interval")
	case 1:
		kinds := []metric.DimensionKind{metric.ByAccount, metric.ByPlan, metric.ByCurrency, metric.ByBillingInterval}
		for _, kind := range rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, 2, rapid.ID[metric.DimensionKind]).Draw(t, "by") {
			q.By = append(q.By, metric.Dimension{Kind: kind})
		}
		q.Top = rapid.IntRange(1, 3).Draw(t, "top")
	}
	return q
}

func checkLists(t *rapid.T, metrics *metric.Service, id tenant.ID, q metric.Question) {
	ask := func(asks ...metric.ListAsk) metric.Answer {
		q.Lists = asks
		answer := metrics.Answer(as(id), []*metric.Question{&q})[0]
		if answer.Err != nil {
			t.Fatal(q.Of.Key, ": ", answer.Err)
		}
		return answer
	}
	all, bucket := testkit.AllEntities, 0
	if q.Series {
		at := ask().Series.At
		bucket = rapid.IntRange(0, len(at)-1).Draw(t, "bucket")
		all.At = at[bucket]
	}
	part := all
	part.First = rapid.IntRange(1, 2).Draw(t, "first")
	for i, c := range testkit.Listings(ask(all, part), bucket) {
		listing(c).check(t, q, *c.Lists[all])
		if got, want := c.Lists[part], c.Lists[all]; got.Total != want.Total || got.Sum != want.Sum ||
			!slices.Equal(got.Entities, want.Entities[:min(part.First, want.Total)]) || got.More != (want.Total > part.First) {
			t.Errorf("%s of %s begins with %+v, and is %+v", c.What, q.Of.Key, got, want)
		}
		if n := len(c.Lists[part].Entities); n > 0 {
			next := part
			next.After = c.Lists[part].Entities[n-1].ID
			listing(c).follows(t, testkit.Listings(ask(next), bucket)[i], next, n)
		}
	}
}

// follows holds the page after the first n of a list against the list.
func (c listing) follows(t *rapid.T, page testkit.Listing, ask metric.ListAsk, n int) {
	whole := ask
	whole.Page = testkit.AllEntities.Page
	want := c.Lists[whole].Entities[n:]
	if got := page.Lists[ask].Entities; !slices.Equal(got, want[:min(ask.First, len(want))]) {
		t.Errorf("after %d the %s goes on with %v, want what begins %v", ask.After, c.What, got, want)
	}
}

// check holds a whole list against the figure.
func (c listing) check(t *rapid.T, q metric.Question, l metric.Listing) {
	sum, last := 0.0, int64(0)
	for _, e := range l.Entities {
		if sum += e.Amount; e.Amount == 0 || e.ID <= last {
			t.Errorf("%s of %s: %+v after %d", c.What, q.Of.Key, e, last)
		}
		last = e.ID
	}
	if l.Total != len(l.Entities) || l.More || math.Abs(l.Sum-*c.Value) > 1e-9 || math.Abs(sum-*c.Value) > 1e-9 {
		t.Errorf("%s of %s is %v, and lists %+v, which is %v", c.What, q.Of.Key, *c.Value, l, sum)
	}
	if q.Of.Key == "paying_customers" && float64(l.Total) != *c.Value {
		t.Errorf("%s of %s is %v, and lists %d", c.What, q.Of.Key, *c.Value, l.Total)
	}
}

// listOf tells what a value lists: each entity by the name of its sender, and its amount.
func (l *ledger) listOf(t *testing.T, id tenant.ID, key string, ask metric.Ask) string {
	t.Helper()
	q := metric.Question{Of: definition(t, key), Ask: ask, Lists: []metric.ListAsk{testkit.AllEntities}}
	a := l.metrics().Answer(as(id), []*metric.Question{&q})[0]
	if a.Err != nil {
		t.Fatal(key, ": ", a.Err)
	}
	var words []string
	for _, e := range a.Value.Lists[testkit.AllEntities].Entities {
		words = append(words, fmt.Sprint(l.nameOf(t, a.Value.Lists[testkit.AllEntities].Kind, e.ID), " ", e.Amount))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func (l *ledger) nameOf(t testkit.Failer, kind metric.EntityKind, id int64) (name string) {
	query := `select group_id from account where account_id = $1`
	if kind == metric.Subscriptions {
		query = `select external_id from subscription where subscription_id = $1`
	}
	if err := l.Owner.QueryRow(context.Background(), query, id).Scan(&name); err != nil {
		t.Fatal(kind, " ", id, ": ", err)
	}
	return name
}

// Three customers: one comes, one pays more and then leaves, one tries twice. Each figure names
// those who made it.
func TestFiguresNameTheirCustomers(t *testing.T) {
	l := newLedger(t)
	acme, globex := l.tenant(t, "UTC"), l.tenant(t, "UTC")
	trial := func(ends string) func(*SubscriptionItem) {
		return func(s *SubscriptionItem) { s.TrialStartsAt, s.TrialEndsAt = &s.OccurredAt, new(At(ends)) }
	}
	l.take(t, acme, monthly("pro", 1_000, "EUR"), Item{Rate: &RateItem{"EUR", "USD", "2026-01-01", "2"}},
		subscribed("s1", "ann", "pro", "2026-02-03", Active),
		subscribed("s2", "ben", "pro", "2026-01-05", Active),
		subscribed("s2", "ben", "pro", "2026-02-10", Active, func(s *SubscriptionItem) { s.Quantity = new(3) }),
		subscribed("s2", "ben", "pro", "2026-03-10", Canceled),
		subscribed("s3", "cem", "pro", "2026-02-01", Trialing, trial("2026-02-05")),
		subscribed("s3", "cem", "pro", "2026-02-05", Paused),
		subscribed("s3", "cem", "pro", "2026-02-20", Trialing, trial("2026-02-25")),
		subscribed("s3", "cem", "pro", "2026-02-25", Paused))
	february, march := between2026("02-01", "03-01"), between2026("03-01", "04-01")
	dollars := february
	dollars.Currency = "USD"
	for _, c := range []struct {
		key  string
		ask  metric.Ask
		want string
	}{
		{"mrr", february, "ann 1000, ben 3000"}, {"mrr", dollars, "ann 2000, ben 6000"}, {"arr", february, "ann 12000, ben 36000"},
		{"paying_customers", february, "ann 1, ben 1"}, {"paying_customers", march, "ann 1"},
		{"mrr_new", february, "ann 1000"}, {"mrr_expansion", february, "ben 2000"}, {"mrr_churn", february, ""},
		{"mrr_churn", march, "ben 3000"}, {"net_mrr_movement", march, "ben -3000"}, {"net_mrr_movement", february, "ann 1000, ben 2000"},
		{"trials", february, "s3 2"}, {"trials", march, ""},
	} {
		if got := l.listOf(t, acme, c.key, c.ask); got != c.want {
			t.Errorf("%s lists %q, want %q", c.key, got, c.want)
		}
		if got := l.listOf(t, globex, c.key, c.ask); got != "" {
			t.Errorf("%s lists %q to a stranger", c.key, got)
		}
	}
}

// Ratios and means are made of nobody, and what cannot be converted is listed to nobody.
func TestWhatIsNoSumListsNobody(t *testing.T) {
	l := newLedger(t)
	acme := l.tenant(t, "UTC")
	l.take(t, acme, monthly("pro", 1_000, "USD"), subscribed("s1", "ann", "pro", "2026-01-05", Active))
	ratios := []string{"nrr", "grr", "gross_revenue_churn", "net_revenue_churn", "customer_churn", "arpa", "ltv", "quick_ratio", "trial_conversion"}
	inDollars := between2026("02-01", "03-01")
	inDollars.Currency = "USD"
	for _, d := range Metrics() {
		for _, by := range [][]metric.Dimension{nil, {{Kind: metric.ByPlan}}} {
			q := metric.Question{Of: d, Ask: inDollars, By: by, Top: 1, Lists: []metric.ListAsk{testkit.AllEntities}}
			err := l.metrics().Answer(as(acme), []*metric.Question{&q})[0].Err
			if f, _ := fault.Of(err); (err != nil) != slices.Contains(ratios, d.Key) || err != nil && f.Field != "entities" {
				t.Errorf("%s in dollars: %v", d.Key, err)
			}
		}
	}
	var questions []*metric.Question
	for _, key := range []string{"paying_customers", "mrr", "trials"} {
		for _, by := range [][]metric.Dimension{nil, {{Kind: metric.ByPlan}}} {
			questions = append(questions, &metric.Question{Of: definition(t, key), Ask: between2026("02-01", "03-01"), By: by, Top: 1, Lists: []metric.ListAsk{testkit.AllEntities}})
		}
	}
	for i, a := range l.metrics().Answer(as(acme), questions) {
		if f, _ := fault.Of(a.Err); (a.Err != nil) != (i < 4) || a.Err != nil && f.Field != "currency" {
			t.Errorf("question %d in euros: %v", i, a.Err)
		}
	}
}
