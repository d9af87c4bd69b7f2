package revenue_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
)

// drawYear is a company whose customers come, try, leave and come back at midnights of a year.
func drawYear(t *rapid.T) company {
	c := company{home: calendar.UTC, customers: map[int64]map[int64][]State{}}
	night := func(name string) time.Time {
		return At("2025-09-01").AddDate(0, 0, rapid.IntRange(0, 360).Draw(t, name))
	}
	for id := range rapid.Int64Range(1, 5).Draw(t, "customers") {
		c.customers[id+1] = map[int64][]State{}
		for of := range rapid.Int64Range(1, 2).Draw(t, "subscriptions") {
			seen := map[time.Time]bool{}
			for range rapid.IntRange(1, 5).Draw(t, "states") {
				s := State{
					At: night("at"), Plan: 1, Currency: "EUR", Monthly: rapid.Int64Range(1, 3).Draw(t, "monthly") * 1_000,
					Status: rapid.SampledFrom([]Status{Active, Active, Canceled, Canceled, Trialing, Paused}).Draw(t, "status"),
				}
				if rapid.IntRange(0, 3).Draw(t, "tried") == 0 {
					s.TrialStart = s.At
					s.TrialEnd = s.At.AddDate(0, 0, rapid.IntRange(1, 40).Draw(t, "days of trial"))
				}
				if !seen[s.At] {
					seen[s.At] = true
					c.customers[id+1][10*(id+1)+of] = append(c.customers[id+1][10*(id+1)+of], s)
				}
			}
		}
	}
	return c
}

// month is what a plain walk over its days finds.
type month struct {
	paying, left             float64 // customers at its start, and who left
	mrr, customers           float64 // at its end
	trials, ended, converted float64
}

// walk recounts a month night by night.
func (c company) walk(from, to time.Time) (m month) {
	m.mrr, m.customers = c.stands(to.AddDate(0, 0, -1))
	_, m.paying = c.stands(from.AddDate(0, 0, -1))
	for night := from; night.Before(to); night = night.AddDate(0, 0, 1) {
		before := night.AddDate(0, 0, -1)
		for _, subscriptions := range c.customers {
			if len(Standing(subscriptions, AtPeriodEnd, before)) > 0 && len(Standing(subscriptions, AtPeriodEnd, night)) == 0 {
				m.left++
			}
			for _, states := range subscriptions {
				m.tries(states, before, night)
			}
		}
	}
	return m
}

func (m *month) tries(states []State, before, night time.Time) {
	was, known := InForce(states, AtPeriodEnd, before)
	is, still := InForce(states, AtPeriodEnd, night)
	tried, tries := known && InTrial(was, before), still && InTrial(is, night)
	switch {
	case !tried && tries:
		m.trials++
	case tried && !tries:
		m.ended++
		if still && is.Status != Paused {
			m.converted++
		}
	}
}

func (c company) stands(night time.Time) (mrr, customers float64) {
	for _, subscriptions := range c.customers {
		leaves := Standing(subscriptions, AtPeriodEnd, night)
		if len(leaves) > 0 {
			customers++
		}
		for _, amount := range leaves {
			mrr += float64(amount)
		}
	}
	return mrr, customers
}

// lifetime recounts LTV at the end of a month: by the last six, of those that began with customers.
func (c company) lifetime(end time.Time) *float64 {
	sum, n := 0.0, 0.0
	for back := range 6 {
		from := end.AddDate(0, -back-1, 0)
		if m := c.walk(from, from.AddDate(0, 1, 0)); m.paying > 0 {
			sum, n = sum+m.left/m.paying, n+1
		}
	}
	mrr, customers := c.stands(end.AddDate(0, 0, -1))
	if n == 0 || sum == 0 || customers == 0 {
		return nil
	}
	return new(math.Round(mrr / customers / (sum / n)))
}

// Months of trials, of customers who leave, and of what a customer brings in a lifetime are what a
// walk over their nights finds, and months of what adds up are the whole.
func TestMonthsEqualAWalkOverTheirNights(t *testing.T) {
	l := newLedger(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawYear(t)
		c.id = l.tenant(t, "UTC")
		items := []Item{monthly("plan 1", 5, "EUR")}
		for _, subscriptions := range c.customers {
			for of, states := range subscriptions {
				for _, s := range states {
					items = append(items, toItem(of, s))
				}
			}
		}
		l.take(t, c.id, items...)
		if rapid.Bool().Draw(t, "materialize") {
			l.materialize(t)
		}
		from := At("2025-09-01").AddDate(0, rapid.IntRange(0, 10).Draw(t, "from"), 0)
		to := from.AddDate(0, rapid.IntRange(1, 4).Draw(t, "months"), 0)
		l.compareMonths(t, c, metric.Ask{From: &from, To: &to, Currency: "EUR", Interval: calendar.Month})
	})
}

func (l *ledger) compareMonths(t *rapid.T, c company, ask metric.Ask) {
	var questions []*metric.Question
	for _, d := range Metrics() {
		questions = append(questions, &metric.Question{Of: d, Ask: ask, Series: true}, &metric.Question{Of: d, Ask: ask})
	}
	answers := l.metrics().Answer(as(c.id), questions)
	for i, d := range Metrics() {
		series, whole := answers[2*i], answers[2*i+1]
		if series.Err != nil || whole.Err != nil {
			t.Fatal(series.Err, whole.Err)
		}
		sum := 0.0
		for j, start := range series.Series.At {
			v := series.Series.Values[j]
			if want, known := c.figure(d.Key, start); known && !equal(v, want) {
				t.Fatalf("%s of the month from %v: %s, want %s", d.Key, start, show(v), show(want))
			}
			if v != nil {
				sum += *v
			}
		}
		if d.Additive && sum != *whole.Value.Value {
			t.Fatalf("%s: buckets add up to %v, and the whole is %v", d.Key, sum, *whole.Value.Value)
		}
	}
}

// figure is a metric of a month, as far as a walk knows it.
func (c company) figure(key string, start time.Time) (v *float64, known bool) {
	m := c.walk(start, start.AddDate(0, 1, 0))
	switch key {
	case "trials":
		return new(m.trials), true
	case "trial_conversion":
		return metric.Ratio(m.converted, m.ended), true
	case "customer_churn":
		return metric.Ratio(m.left, m.paying), true
	case "paying_customers":
		return new(m.customers), true
	case "mrr":
		return new(m.mrr), true
	case "ltv":
		return c.lifetime(start.AddDate(0, 1, 0)), true
	}
	return nil, false
}
