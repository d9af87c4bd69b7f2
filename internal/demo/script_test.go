package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const oneDay = 24 * time.Hour

// sum counts some events, and the people behind them, within a time.
type sum struct {
	from, to time.Time
	keep     func(Event) bool
	n        int
	people   map[string]bool
}

func (s *sum) add(e Event) {
	if !e.At.Before(s.from) && e.At.Before(s.to) && s.keep(e) {
		s.n++
		s.people[e.UserID] = true
	}
}

// inquest is what has to be counted to find one story, and what the counts must be.
type inquest struct {
	sums    []*sum
	verdict func() (ok bool, figures string)
}

func (q *inquest) count(from time.Time, length time.Duration, keep func(Event) bool) *sum {
	s := &sum{from: from, to: from.Add(length), keep: keep, people: map[string]bool{}}
	q.sums = append(q.sums, s)
	return s
}

func anything(Event) bool             { return true }
func known(e Event) bool              { return e.UserID != "" }
func of(name string) func(Event) bool { return func(e Event) bool { return e.Type == name } }
func says(text string) func(Event) bool {
	return func(e Event) bool { return strings.Contains(string(e.Properties), text) }
}
func not(f func(Event) bool) func(Event) bool {
	return func(e Event) bool { return !f(e) }
}

func both(f, g func(Event) bool) func(Event) bool {
	return func(e Event) bool { return f(e) && g(e) }
}

func ratio(a, b *sum) float64 { return float64(a.n) / max(float64(b.n), 0.5) }

// The stories are true whenever a history ends, and at any minute.
func TestStories(t *testing.T) {
	untils := []time.Time{
		november, time.Date(2026, 2, 11, 14, 37, 0, 0, time.UTC),
		time.Date(2026, 5, 3, 22, 0, 0, 0, time.UTC), time.Date(2027, 8, 19, 5, 30, 0, 0, time.UTC),
	}
	if testing.Short() {
		untils = untils[:1]
	}
	for _, until := range untils {
		for _, c := range Companies() {
			t.Run(c.Key+until.Format(" 2006-01-02"), func(t *testing.T) {
				findStories(t, Plan{Seed: 1, Events: 1_000_000, Until: until}, c)
			})
		}
	}
}

func findStories(t *testing.T, plan Plan, c Company) {
	stories, w := plan.Stories(c), newStage(plan, profileOf(c))
	if len(stories) < 4 {
		t.Fatalf("%d stories", len(stories))
	}
	var inquests []*inquest
	for _, s := range w.schedule() {
		inquests = append(inquests, inquire(s.kind, s.at, w))
	}
	for e := range plan.Generate(c) {
		for _, q := range inquests {
			for _, s := range q.sums {
				s.add(e)
			}
		}
	}
	for i, q := range inquests {
		ok, figures := q.verdict()
		t.Logf("%s: %s", stories[i].Title, figures)
		if !ok {
			t.Errorf("not found: %s (%s)", stories[i].Text, figures)
		}
	}
}

func inquire(k kind, at time.Time, w *world) *inquest {
	q := &inquest{}
	switch k {
	case launch:
		q.launch(at)
	case campaign:
		q.campaign(at, w)
	case outage:
		q.outage(at, time.UnixMilli(w.script[outage].to).Sub(at))
	case novelty:
		q.novelty(at, w)
	case pricing:
		q.pricing(at)
	case release:
		q.release(at, says(`"browser":"`+w.failing+`"`))
	}
	return q
}

func (q *inquest) launch(at time.Time) {
	signups, before := q.count(at, 7*oneDay, of("Signed Up")), q.count(at.Add(-21*oneDay), 21*oneDay, of("Signed Up"))
	spike, usual := q.count(at, 3*oneDay, anything), q.count(at.Add(-7*oneDay), 3*oneDay, anything)
	after, earlier := q.count(at.Add(14*oneDay), 14*oneDay, anything), q.count(at.Add(-14*oneDay), 14*oneDay, anything)
	q.verdict = func() (bool, string) {
		a, b, c := 3*ratio(signups, before), ratio(spike, usual), ratio(after, earlier)
		return a > 1.5 && a < 2.8 && b > 1.4 && c > 1.05,
			fmt.Sprintf("sign-ups x %.2f, three days x %.2f, weeks 3 and 4 x %.2f", a, b, c)
	}
}

func (q *inquest) campaign(at time.Time, w *world) {
	brought := says(`"utm_campaign":"` + w.sources[w.campaignSource].bringer + `"`)
	signups, before := q.count(at, 10*oneDay, of("Signed Up")), q.count(at.Add(-10*oneDay), 10*oneDay, of("Signed Up"))
	lured := q.count(at, 10*oneDay, both(of("Signed Up"), brought))
	came := q.count(at, 10*oneDay, both(of("Signed Up"), not(brought)))
	month := at.Add(40 * oneDay)
	stayed := q.count(month, 30*oneDay, func(e Event) bool { return lured.people[e.UserID] })
	others := q.count(month, 30*oneDay, func(e Event) bool { return came.people[e.UserID] })
	q.verdict = func() (bool, string) {
		a := ratio(signups, before)
		b := float64(len(stayed.people)) / float64(len(lured.people))
		c := float64(len(others.people)) / float64(len(came.people))
		return a > 2.4 && b < 0.1 && c > 0.2,
			fmt.Sprintf("sign-ups x %.2f, %d by the campaign; active in the second month %.1f %%, of the others %.1f %%", a, lured.n, 100*b, 100*c)
	}
}

func (q *inquest) outage(at time.Time, length time.Duration) {
	down, usual := q.count(at, length, anything), q.count(at.Add(-7*oneDay), length, anything)
	failed := both(of("Checkout Failed"), says("gateway_timeout"))
	burst, ever := q.count(at.Add(length), 3*time.Hour, failed), q.count(at.AddDate(-3, 0, 0), 6*365*oneDay, failed)
	all, before := q.count(at.Add(length), 3*time.Hour, of("Checkout Failed")), q.count(at.Add(length-7*oneDay), 3*time.Hour, of("Checkout Failed"))
	q.verdict = func() (bool, string) {
		return ratio(down, usual) < 0.03 && burst.n >= 15 && ever.n-burst.n <= 8 && ratio(all, before) > 8,
			fmt.Sprintf("events %d instead of %d, then %d failed checkouts instead of %d, %d of all %d timeouts", down.n, usual.n, all.n, before.n, burst.n, ever.n)
	}
}

func (q *inquest) novelty(at time.Time, w *world) {
	event := of(w.flow.states[w.flow.marks.novelty].event)
	before := q.count(at.AddDate(-3, 0, 0), at.Sub(at.AddDate(-3, 0, 0)), event)
	first, later := q.count(at, 14*oneDay, event), q.count(at.Add(90*oneDay), 14*oneDay, event)
	month := q.count(at.Add(90*oneDay), 60*oneDay, known)
	adopters := q.count(at.Add(90*oneDay), 60*oneDay, event)
	q.verdict = func() (bool, string) {
		share := float64(len(adopters.people)) / float64(len(month.people))
		return before.n == 0 && first.n > 0 && ratio(later, first) > 5 && share > 0.25,
			fmt.Sprintf("%d events before, %d in two weeks, %d three months later, by %.0f %% of the %d users", before.n, first.n, later.n, 100*share, len(month.people))
	}
}

func (q *inquest) pricing(at time.Time) {
	started, signedUp := of("Subscription Started"), of("Signed Up")
	before, after := q.count(at.Add(-42*oneDay), 42*oneDay, started), q.count(at.Add(70*oneDay), 42*oneDay, started)
	signups, later := q.count(at.Add(-42*oneDay), 42*oneDay, signedUp), q.count(at.Add(70*oneDay), 42*oneDay, signedUp)
	q.verdict = func() (bool, string) {
		return ratio(after, before) < 0.67 && ratio(later, signups) > 0.9,
			fmt.Sprintf("subscriptions in six weeks before %d, after ten weeks %d; sign-ups %d and %d", before.n, after.n, signups.n, later.n)
	}
}

func (q *inquest) release(at time.Time, browser func(Event) bool) {
	failed, crashed := of("Checkout Failed"), says("script_error")
	here, there := both(failed, browser), both(failed, not(browser))
	var sums [4]*sum
	for i, keep := range []func(Event) bool{here, there} {
		sums[2*i] = q.count(at, 5*oneDay, keep)
		from := at.Add(-28 * oneDay)
		sums[2*i+1] = q.count(from, 28*oneDay, func(e Event) bool { return keep(e) && e.At.Sub(from)%(7*oneDay) < 5*oneDay })
	}
	strays := q.count(at.AddDate(-3, 0, 0), 6*365*oneDay, func(e Event) bool {
		return failed(e) && crashed(e) && (!browser(e) || e.At.Before(at) || e.At.After(at.Add(5*oneDay+time.Hour)))
	})
	q.verdict = func() (bool, string) {
		a, b := 4*ratio(sums[0], sums[1]), 4*ratio(sums[2], sums[3])
		return a > 3 && b < 2 && strays.n == 0,
			fmt.Sprintf("in five days %d failed there, x %.1f; elsewhere %d, x %.1f", sums[0].n, a, sums[2].n, b)
	}
}
