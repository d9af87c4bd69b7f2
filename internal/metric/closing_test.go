package metric_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// A day is materialized, then a late event changes it, then it is materialized again: the
// figures are right at each step, and a stranger's stay 0.
func TestALateEventChangesAMaterializedDay(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	acme := w.Tenant(t, "UTC")
	globex := w.Tenant(t, "UTC")
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	send := func(id, user string, at time.Time) {
		t.Helper()
		items := []event.Item{{Incoming: event.Incoming{MessageID: id, Type: "Opened", UserID: user, Timestamp: at}}}
		if problem := items[0].Check(); problem != nil {
			t.Fatal(problem)
		}
		if _, err := w.writer.Append(ctx, acme, "default", items); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, want map[string][]float64) {
		t.Helper()
		for key, values := range want {
			if got := days(t, w, acme, key, day); !slices.Equal(got, values) {
				t.Errorf("%s: %s = %v, want %v", when, key, got, values)
			}
			if got := days(t, w, globex, key, day); !slices.Equal(got, []float64{0, 0}) {
				t.Errorf("%s: the stranger's %s = %v, want 0, 0", when, key, got)
			}
		}
	}
	materialize := func() {
		t.Helper()
		if err := metric.NewCloser(w.Worker, discard).Close(ctx); err != nil {
			t.Fatal(err)
		}
	}

	send("1", "ann", day.Add(26*time.Hour))
	materialize()
	check("materialized", map[string][]float64{"events": {0, 1}, "active_users": {0, 1}, "new_users": {0, 1}})
	send("2", "ben", day.Add(27*time.Hour))
	check("another user, late", map[string][]float64{"events": {0, 2}, "active_users": {0, 2}, "new_users": {0, 2}})
	materialize()
	send("3", "ann", day.Add(2*time.Hour)) // her first event moves to the day before
	check("an earlier first event", map[string][]float64{"events": {1, 2}, "active_users": {1, 2}, "new_users": {1, 1}})
	materialize()
	check("materialized again", map[string][]float64{"events": {1, 2}, "active_users": {1, 2}, "new_users": {1, 1}})
}

// After a restore the views are empty and unreadable, until the closer fills them.
func TestAnEmptyViewIsFilled(t *testing.T) {
	w := newWorld(t)
	acme := w.Tenant(t, "UTC")
	err := w.Worker.InTx(t.Context(), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "refresh materialized view materialized.day_total with no data")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := metric.NewCloser(w.Worker, discard).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := days(t, w, acme, "events", time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("events = %v, want 0, 0", got)
	}
}

// days gives a metric's values for two days.
func days(t *testing.T, w *world, id tenant.ID, key string, from time.Time) (values []float64) {
	t.Helper()
	d, err := metric.NewCatalog(metric.Builtin()).Find(key)
	if err != nil {
		t.Fatal(err)
	}
	to := from.Add(48 * time.Hour)
	ctx := access.With(t.Context(), access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
	series, err := w.metrics.Series(ctx, d, metric.Ask{From: &from, To: &to, Interval: calendar.Day})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range series.Values {
		values = append(values, *v)
	}
	return values
}
