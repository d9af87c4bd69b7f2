package metric_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// ofRefreshes are days that are over, and a tenant that is asked about them.
type ofRefreshes struct {
	*world
	acme tenant.ID
	from time.Time
	sent atomic.Int64 // events that were handed in
	kept atomic.Int64 // events that were acknowledged
}

// quiet days get no more events, and the loud one does, all along.
const (
	quiet  = 5
	perDay = 40
)

func newRefreshes(t *testing.T) *ofRefreshes {
	t.Helper()
	w := newWorld(t)
	r := &ofRefreshes{world: w, acme: w.Tenant(t, "UTC"), from: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)}
	for d := range quiet {
		for n := range perDay {
			r.send(t, d, fmt.Sprintf("q%d-%d", d, n))
		}
	}
	r.sent.Store(0)
	r.kept.Store(0)
	return r
}

func (r *ofRefreshes) send(t *testing.T, d int, id string) {
	t.Helper()
	at := r.from.AddDate(0, 0, d).Add(12 * time.Hour)
	items := []event.Item{{Incoming: event.Incoming{MessageID: id, Type: "Opened", UserID: id, Timestamp: at}}}
	if problem := items[0].Check(); problem != nil {
		t.Error(problem)
		return
	}
	r.sent.Add(1)
	if _, err := r.writer.Append(context.WithoutCancel(t.Context()), r.acme, "default", items); err != nil {
		t.Errorf("an event was refused: %v", err)
	}
	r.kept.Add(1)
}

// read compares every answer with what it must be: the quiet days to the event, and the loud one
// between what had been acknowledged before and what was sent after.
func (r *ofRefreshes) read(t *testing.T, definitions []*metric.Definition) {
	ctx := access.With(context.WithoutCancel(t.Context()), access.Principal{Tenant: r.acme, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
	to := r.from.AddDate(0, 0, quiet+1)
	least := r.kept.Load()
	questions := make([]*metric.Question, len(definitions))
	for i, d := range definitions {
		questions[i] = &metric.Question{Of: d, Ask: metric.Ask{From: &r.from, To: &to, Interval: "DAY"}, Series: true}
	}
	answers := r.metrics.Answer(ctx, questions)
	types, err := r.metrics.EventTypes(ctx, metric.EventQuery{Ask: metric.Ask{From: &r.from, To: &to}}, 10)
	most := r.sent.Load()
	if err != nil {
		t.Errorf("types: %v", err)
		return
	}
	for i, a := range answers {
		if a.Err != nil {
			t.Errorf("%s: %v", definitions[i].Key, a.Err)
			return
		}
		for d, v := range a.Series.Values {
			switch {
			case d < quiet && *v != perDay:
				t.Errorf("%s of day %d is %v, and was %d all along", definitions[i].Key, d, *v, perDay)
			case d == quiet && (*v < float64(least) || *v > float64(most)):
				t.Errorf("%s of the loud day is %v, want between %d and %d", definitions[i].Key, *v, least, most)
			}
		}
	}
	if n := int64(types.Counts[0]) - quiet*perDay; n < least || n > most {
		t.Errorf("by type the loud day has %d events, want between %d and %d", n, least, most)
	}
}

// While views are refreshed again and again, and the refresh is killed again and again, under
// events that come late: every answer is the old one or the new one, and never an empty one.
func TestARefreshThatIsKilledIsNeverSeen(t *testing.T) {
	r := newRefreshes(t)
	definitions := metric.Builtin()[:3] // events, active users, new users
	if err := metric.NewCloser(r.Worker, discard).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var killed, failed, reads atomic.Int64
	finished := func() (n int64) { // the number of the last that came to its end
		_ = r.Owner.QueryRow(context.WithoutCancel(ctx), `select coalesce(max(refresh_id), 0) from view_refresh where state = 'DONE'`).Scan(&n)
		return n
	}
	var done atomic.Int64
	loop := func(do func()) {
		running.Go(func() {
			for ctx.Err() == nil {
				do()
			}
		})
	}
	loop(func() {
		if err := metric.NewCloser(r.Worker, discard).Refresh(ctx); err != nil {
			failed.Add(1)
		}
	})
	loop(func() {
		var n int64
		err := r.Owner.QueryRow(ctx, `
			select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and query like '-- name: ClosingRefresh%' and state = 'active'`).Scan(&n)
		if err == nil && n > 0 {
			killed.Add(n)
			for before := finished(); ctx.Err() == nil && finished() == before; { // let one come to its end
				time.Sleep(time.Millisecond)
			}
			done.Add(1)
		}
	})
	late := 0
	loop(func() { late++; r.send(t, quiet, fmt.Sprint("late", late)) })
	for range 2 {
		loop(func() { r.read(t, definitions); reads.Add(1) })
	}
	for deadline := time.Now().Add(60 * time.Second); (killed.Load() < 5 || done.Load() < 5 || reads.Load() < 50) && time.Now().Before(deadline) && !t.Failed(); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	running.Wait()
	t.Logf("%d refreshes were killed, %d failed, %d came to their end; %d readings, %d late events", killed.Load(), failed.Load(), done.Load(), reads.Load(), r.kept.Load())
	if killed.Load() < 5 || done.Load() < 5 || reads.Load() < 50 {
		t.Error("that is too few to tell")
	}
	if err := metric.NewCloser(r.Worker, discard).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.read(t, definitions)
	if n := r.Number(t, `select count(*) from view_refresh where state = 'RUNNING'`); n > 0 {
		t.Errorf("%d refreshes are said to be under way", n)
	}
	if n := r.Number(t, `select count(*) from view_refresh where state = 'FAILED' and error <> ''`); n == 0 {
		t.Error("none of those that were killed is said to have failed")
	}
	r.tells(t, "DONE", nil)
}

// tells holds what is said of the views against what must be.
func (r *ofRefreshes) tells(t *testing.T, state string, why *string) {
	t.Helper()
	ctx := access.With(t.Context(), access.Principal{Tenant: r.acme, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
	views, err := r.metrics.Views(ctx)
	if err != nil || len(views) != 2 {
		t.Fatalf("%d views, %v", len(views), err)
	}
	for _, v := range views {
		if string(*v.State) != state || (v.Error == nil) != (why == nil) || why != nil && *v.Error != *why || v.LastRefreshedAt == nil {
			t.Errorf("of %s it is said: %s %v %v", v.Name, *v.State, v.Error, v.LastRefreshedAt)
		}
	}
}

// Of a process that was killed with the refresh, the next one says so; and no more refreshes are
// remembered than are worth it.
func TestWhatBecameOfRefreshesIsKept(t *testing.T) {
	r := newRefreshes(t)
	closer := metric.NewCloser(r.Worker, discard)
	if err := closer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Number(t, `select count(*) from view_refresh where state = 'DONE' and reason = 'NEEDED' and stale_days = $1`, quiet); n != 2 {
		t.Errorf("%d refreshes were needed, want 2", n)
	}
	if err := metric.NewCloser(r.Worker, discard).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := closer.RefreshOlder(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := r.Number(t, `select count(*) from view_refresh`); n != 2 {
		t.Errorf("%d refreshes, want none where nothing is out of date", n-2)
	}
	r.Exec(t, `insert into view_refresh (view, reason, stale_days) select 'day_total', 'NEEDED', 0 from generate_series(1, 150)`)
	r.Exec(t, `update view_refresh set finished_at = now() - interval '61 minutes' where view = 'day_type'`)
	if err := closer.RefreshOlder(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := r.Number(t, `select count(*) from view_refresh where state = 'FAILED' and error = 'The process that refreshed it has ended.'`); n < 90 {
		t.Errorf("%d are said to have been left behind", n)
	}
	if n := r.Number(t, `select count(*) from view_refresh where view = 'day_total'`); n > 101 {
		t.Errorf("%d refreshes of a view are remembered", n)
	}
	if n := r.Number(t, `select count(*) from view_refresh where state = 'DONE' and reason = 'SCHEDULED'`); n != 2 {
		t.Errorf("%d refreshes were on schedule, want 2", n)
	}
	r.tells(t, "DONE", nil)
	err := r.Worker.InTx(t.Context(), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `refresh materialized view materialized.day_type with no data`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := closer.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Number(t, `select count(*) from view_refresh where state = 'DONE' and reason = 'FILLED'`); n != 2 {
		t.Errorf("%d refreshes filled what was empty, want 2", n)
	}
}
