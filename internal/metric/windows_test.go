package metric_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// did stores that somebody did something at some instants.
func (w *world) did(t *testing.T, id tenant.ID, user, kind string, ats ...time.Time) {
	t.Helper()
	items := make([]event.Item, len(ats))
	for i, at := range ats {
		items[i].Incoming = event.Incoming{MessageID: fmt.Sprint(user, kind, at), Type: kind, UserID: user, Timestamp: at}
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	if _, err := w.writer.Append(t.Context(), id, "default", items); err != nil {
		t.Fatal(err)
	}
}

// tells asks for a metric as the tenant.
func (w *world) tells(t *testing.T, id tenant.ID, q metric.Question, key string) metric.Answer {
	t.Helper()
	d, err := metric.NewCatalog(metric.Builtin()).Find(key)
	if err != nil {
		t.Fatal(err)
	}
	q.Of = d
	ctx := access.With(t.Context(), access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
	answer := w.metrics.Answer(ctx, []*metric.Question{&q})[0]
	if answer.Err != nil {
		t.Fatalf("%s: %v", key, answer.Err)
	}
	return answer
}

func (w *world) wantSeries(t *testing.T, id tenant.ID, ask metric.Ask, key string, want ...any) {
	t.Helper()
	var got []any
	for _, v := range w.tells(t, id, metric.Question{Ask: ask, Series: true}, key).Series.Values {
		got = append(got, show(v))
	}
	for i, v := range want {
		if n, is := v.(int); is {
			want[i] = float64(n)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", key, got, want)
	}
}

func (w *world) closeDays(t *testing.T) {
	t.Helper()
	if err := metric.NewCloser(w.Worker, discard).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func day(month time.Month, n, hour int) time.Time {
	return time.Date(2026, month, n, hour, 0, 0, 0, time.UTC)
}

func between(from, to time.Time, interval calendar.Interval) metric.Ask {
	return metric.Ask{From: &from, To: &to, Interval: interval}
}

// WAU and MAU are of the 7 and of the 28 days that end with a day: somebody who was there once
// counts for so many days, and for no longer.
func TestWindowsEndWithTheirDay(t *testing.T) {
	w := newWorld(t)
	id, stranger := w.Tenant(t, "UTC"), w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 1, 12))
	w.did(t, id, "ben", "Opened", day(3, 7, 23), day(3, 8, 0))
	check := func(when string) {
		t.Run(when, func(t *testing.T) {
			week := between(day(3, 1, 0), day(3, 9, 0), calendar.Day)
			w.wantSeries(t, id, week, "daily_active_users", 1, 0, 0, 0, 0, 0, 1, 1)
			w.wantSeries(t, id, week, "weekly_active_users", 1, 1, 1, 1, 1, 1, 2, 1)
			w.wantSeries(t, id, week, "monthly_active_users", 1, 1, 1, 1, 1, 1, 2, 2)
			w.wantSeries(t, id, week, "stickiness", 1, 0, 0, 0, 0, 0, 0.5, 0.5)
			end := between(day(3, 27, 0), day(4, 6, 0), calendar.Day)
			w.wantSeries(t, id, end, "monthly_active_users", 2, 2, 1, 1, 1, 1, 1, 1, 1, 0)
			w.wantSeries(t, id, end, "stickiness", 0, 0, 0, 0, 0, 0, 0, 0, 0, "null")
			w.wantSeries(t, id, between(day(2, 1, 0), day(5, 1, 0), calendar.Month), "monthly_active_users", 0, 1, 0)
			w.wantSeries(t, stranger, week, "monthly_active_users", 0, 0, 0, 0, 0, 0, 0, 0)
		})
	}
	check("open")
	w.closeDays(t)
	check("kept")
}

// New, returning and resurrecting are who is active now; returning and dormant are who was
// active before.
func TestTheLifecycleAddsUp(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 2, 9), day(3, 3, 9), day(3, 5, 9)) // comes, returns, pauses, comes back
	w.did(t, id, "ben", "Opened", day(3, 3, 9))
	days := between(day(3, 2, 0), day(3, 7, 0), calendar.Day)
	w.wantSeries(t, id, days, "active_users", 1, 2, 0, 1, 0)
	w.wantSeries(t, id, days, "new_users", 1, 1, 0, 0, 0)
	w.wantSeries(t, id, days, "returning_users", 0, 1, 0, 0, 0)
	w.wantSeries(t, id, days, "resurrecting_users", 0, 0, 0, 1, 0)
	w.wantSeries(t, id, days, "dormant_users", 0, 0, 2, 0, 1)

	// A bucket that the range cuts is told against the whole one before it.
	cut := between(day(3, 5, 8), day(3, 5, 12), calendar.Week)
	w.wantSeries(t, id, cut, "resurrecting_users", 1)
	w.wantSeries(t, id, between(day(3, 9, 0), day(3, 10, 0), calendar.Week), "dormant_users", 2)
	// Kept, and then changed by somebody who comes late.
	w.closeDays(t)
	w.wantSeries(t, id, days, "returning_users", 0, 1, 0, 0, 0)
	w.did(t, id, "ben", "Opened", day(3, 4, 9))
	w.wantSeries(t, id, days, "returning_users", 0, 1, 1, 0, 0)
	w.wantSeries(t, id, days, "dormant_users", 0, 0, 1, 1, 1)
	w.closeDays(t)
	w.wantSeries(t, id, days, "returning_users", 0, 1, 1, 0, 0)
	w.wantSeries(t, id, days, "dormant_users", 0, 0, 1, 1, 1)
	// Two days against the two before.
	value := w.tells(t, id, metric.Question{Ask: between(day(3, 4, 0), day(3, 6, 0), "")}, "returning_users").Value
	if *value.Value != 2 {
		t.Errorf("returning in two days: %v, want 2", *value.Value)
	}
}

// Compared with the period before, each bucket is told against the one before it there.
func TestAComparedLifecycleHasItsOwnBefore(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(1, 31, 9), day(2, 3, 9), day(3, 3, 9), day(4, 30, 9))
	w.did(t, id, "ben", "Opened", day(2, 3, 9), day(4, 30, 9), day(5, 1, 9))
	w.did(t, id, "cem", "Opened", day(1, 23, 9))
	ask := between(day(3, 1, 0), day(4, 1, 0), calendar.Month)
	ask.Compare = []metric.Comparison{{Kind: metric.PreviousPeriod}}
	series := w.tells(t, id, metric.Question{Ask: ask, Series: true}, "returning_users").Series
	if *series.Values[0] != 1 || *series.Comparisons[0].Values[0] != 1 {
		t.Errorf("returning in March and February: %v, %v, want 1 (of ann, ben), 1 (ann, from January)", *series.Values[0], *series.Comparisons[0].Values[0])
	}
	value := w.tells(t, id, metric.Question{Ask: ask}, "dormant_users").Value
	if *value.Value != 1 || *value.Comparisons[0].Value != 1 {
		t.Errorf("dormant in March and February: %v, %v, want 1 (ben), 1 (cem)", *value.Value, *value.Comparisons[0].Value)
	}
	// A week earlier, 22 February to 22 or 25 March, it is told against 25 January to 22 February.
	ask.Compare = []metric.Comparison{{Kind: metric.LastWeek}}
	series = w.tells(t, id, metric.Question{Ask: ask, Series: true}, "dormant_users").Series
	value = w.tells(t, id, metric.Question{Ask: ask}, "dormant_users").Value
	if *series.Comparisons[0].Values[0] != 1 || *value.Comparisons[0].Value != 1 {
		t.Errorf("dormant a week earlier: %v, %v, want 1 (ben)", *series.Comparisons[0].Values[0], *value.Comparisons[0].Value)
	}
	// The first days of May and those of April: there is a 31st before in neither.
	ask = between(day(5, 1, 0), day(5, 2, 0), calendar.Day)
	ask.Compare = []metric.Comparison{{Kind: metric.LastMonth}}
	series = w.tells(t, id, metric.Question{Ask: ask, Series: true}, "dormant_users").Series
	if *series.Values[0] != 1 || *series.Comparisons[0].Values[0] != 0 {
		t.Errorf("dormant on 1 May and 1 April: %v, %v, want 1, 0", *series.Values[0], *series.Comparisons[0].Values[0])
	}
}

// Thirty minutes without an event end a session, whatever the day, the device and the order.
func TestSessionsEndAfterAPause(t *testing.T) {
	w := newWorld(t)
	id, stranger := w.Tenant(t, "UTC"), w.Tenant(t, "UTC")
	at := day(3, 1, 23).Add(50 * time.Minute)
	w.did(t, id, "ann", "Opened", at, at.Add(30*time.Minute-time.Second), at.Add(60*time.Minute-time.Second))
	days := between(day(3, 1, 0), day(3, 3, 0), calendar.Day)
	w.wantSeries(t, id, days, "sessions", 1, 1)
	w.closeDays(t)
	w.wantSeries(t, id, days, "sessions", 1, 1)
	if sources := w.tells(t, id, metric.Question{Ask: days}, "sessions").Value.SourceNames(); !slices.Equal(sources, []metric.Source{metric.SourceMaterialized}) {
		t.Errorf("sources %v, want what is kept alone", sources)
	}
	// What comes late may join two sessions into one, or begin one earlier.
	w.did(t, id, "ann", "Paid", at.Add(45*time.Minute))
	w.wantSeries(t, id, days, "sessions", 1, 0)
	w.did(t, id, "ann", "Paid", at.Add(-30*time.Minute))
	w.wantSeries(t, id, days, "sessions", 2, 0)
	w.closeDays(t)
	w.wantSeries(t, id, days, "sessions", 2, 0)
	// A session of the day may turn out to have begun on the day before.
	w.did(t, id, "ben", "Opened", day(2, 1, 9), day(3, 2, 0).Add(10*time.Minute))
	w.wantSeries(t, id, days, "sessions", 2, 1)
	w.closeDays(t)
	w.did(t, id, "ben", "Opened", day(3, 1, 23).Add(55*time.Minute))
	w.wantSeries(t, id, days, "sessions", 3, 0)
	w.closeDays(t)
	w.wantSeries(t, id, days, "sessions", 3, 0)
	w.wantSeries(t, stranger, days, "sessions", 0, 0)
}

// The running bucket's windows end with the day that it is, and those ahead have no value.
func TestWindowsOfTheRunningBucketEndToday(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	now := time.Now().UTC()
	today := now.Truncate(24 * time.Hour)
	w.did(t, id, "ann", "Opened", today.AddDate(0, 0, -27))
	w.did(t, id, "ben", "Opened", today.AddDate(0, 0, -28))
	from, to := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(now.Year()+2, 1, 1, 0, 0, 0, 0, time.UTC)
	ask := between(from, to, calendar.Year)
	w.wantSeries(t, id, ask, "monthly_active_users", 1, "null")
	if value := w.tells(t, id, metric.Question{Ask: ask}, "monthly_active_users").Value; *value.Value != 1 || value.Complete() {
		t.Errorf("in all: %v, complete %v, want 1 and not complete", *value.Value, value.Complete())
	}
}

// Adoption is told against all active users, whatever the type, and null where there are none.
func TestAdoptionIsAShareOfAllActiveUsers(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 1, 9), day(3, 2, 9))
	w.did(t, id, "ben", "Opened", day(3, 1, 9))
	w.did(t, id, "ben", "Shared", day(3, 1, 10), day(3, 1, 11))
	ask := between(day(3, 1, 0), day(3, 4, 0), calendar.Day)
	w.wantSeries(t, id, ask, "feature_adoption", 1, 1, "null")
	byType := metric.Dimension{Kind: metric.ByType}
	told := w.tells(t, id, metric.Question{Ask: ask, By: []metric.Dimension{byType}, Top: 1}, "feature_adoption").Breakdown
	if row := told.Rows[0]; *row.Keys[0] != "Opened" || *row.Value != 1 || show(row.Values[2]) != "null" {
		t.Errorf("the first row is %v %v %v", *row.Keys[0], *row.Value, row.Values)
	}
	if *told.Rest.Value != 0.5 || *told.Rest.Values[0] != 0.5 || *told.Rest.Values[1] != 0 {
		t.Errorf("the rest is %v %v, want the half of all", *told.Rest.Value, *told.Rest.Values[0])
	}
	ask.Filter = &metric.Filter{Is: &metric.Condition{Dimension: byType, Operator: metric.Equals, Values: []any{"Shared"}}}
	w.wantSeries(t, id, ask, "feature_adoption", 0.5, 0, "null")
}
