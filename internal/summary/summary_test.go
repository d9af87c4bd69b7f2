package summary_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

var discard = slog.New(slog.DiscardHandler)

// house is a database with the services on it, and two companies in Berlin: the one that the
// stories are about, and a stranger.
type house struct {
	*testkit.House
	writer       *event.Writer
	metrics      *metric.Service
	acme, globex tenant.ID
	sent         int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{House: testkit.NewHouse(t)}
	h.writer = event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, h.writer.Run)
	h.metrics = metric.NewService(h.App, metric.NewCatalog(metric.Builtin()))
	h.acme, h.globex = h.Tenant(t, "Europe/Berlin"), h.Tenant(t, "Europe/Berlin")
	return h
}

// did sends an event of a user, or of a device, or of both.
func (h *house) did(t *testing.T, user, device, at string) {
	t.Helper()
	h.sent++
	items := []event.Item{{Incoming: event.Incoming{
		MessageID: fmt.Sprint("m", h.sent), Type: "Opened", UserID: user, AnonymousID: device, Timestamp: instant(t, at),
		Properties: []byte("{}"), Context: []byte("{}"),
	}}}
	if problem := items[0].Check(); problem != nil {
		t.Fatal(problem)
	}
	if _, err := h.writer.Append(t.Context(), h.acme, "default", items); err != nil {
		t.Fatal(err)
	}
}

// summarize does what is to be done for a company at an instant.
func (h *house) summarize(t *testing.T, id tenant.ID, now string) {
	t.Helper()
	if err := summary.NewSummarizer(h.Worker, h.metrics, discard).Summarize(t.Context(), id, instant(t, now)); err != nil {
		t.Fatal(err)
	}
}

func as(t testing.TB, id tenant.ID) context.Context {
	return access.With(t.Context(), access.Principal{Tenant: id, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
}

func (h *house) service() *summary.Service { return summary.NewService(h.App, h.metrics) }

// kept gives what was kept of a metric, as "start value".
func (h *house) kept(t *testing.T, id tenant.ID, key string, q summary.Query) []string {
	t.Helper()
	series, err := h.service().Series(as(t, id), key, q)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, s := range series {
		list = append(list, s.Start.String()+" "+text(s.Value))
	}
	return list
}

func text(n *float64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// restated gives what was restated of a metric, the latest first.
func (h *house) restated(t *testing.T, id tenant.ID, key string, p summary.Period) []summary.Restatement {
	t.Helper()
	page, err := h.service().Restatements(as(t, id), summary.RestatedQuery{Metric: &key, Period: &p}, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func (h *house) wantStrangerEmpty(t *testing.T) {
	t.Helper()
	for _, p := range []summary.Period{summary.Day, summary.Week, summary.Month} {
		if got := h.kept(t, h.globex, "events", summary.Query{Period: p}); len(got) > 0 {
			t.Errorf("the stranger has %v", got)
		}
		if got := h.restated(t, h.globex, "events", p); len(got) > 0 {
			t.Errorf("of the stranger %v was restated", got)
		}
	}
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// rowsOf is all that is kept of a company: not a bit of it changes unless something is done.
func (h *house) rowsOf(t *testing.T, id tenant.ID) (all string) {
	t.Helper()
	err := h.Owner.QueryRow(t.Context(), `
		select coalesce((select string_agg(s::text, E'\n' order by s.summary_id) from summary s where s.tenant_id = $1), '')
		    || coalesce((select string_agg(d::text, E'\n' order by d.period, d.period_start) from summarized d where d.tenant_id = $1), '')`, id).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each day is kept once it is over, days that were missed are made up once, and doing it again
// changes nothing.
func TestWhatWasMissedIsMadeUpOnce(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-01T10:00:00Z")
	h.did(t, "ben", "", "2026-05-02T10:00:00Z")
	h.did(t, "ann", "", "2026-05-02T21:59:59Z") // the last second of the second in Berlin
	h.summarize(t, h.acme, "2026-05-02T21:59:59Z")
	want(t, "before midnight", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day}), []string{"2026-05-01 1"})
	h.summarize(t, h.acme, "2026-05-02T22:00:00Z")
	want(t, "after midnight", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day}), []string{"2026-05-01 1", "2026-05-02 2"})

	was := h.rowsOf(t, h.acme)
	h.summarize(t, h.acme, "2026-05-02T22:00:00Z")
	h.summarize(t, h.acme, "2026-05-02T23:00:00Z")
	want(t, "rows after it was done again", h.rowsOf(t, h.acme), was)

	// Nobody works for four days; then several do at once.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { h.summarize(t, h.acme, "2026-05-06T22:30:00Z") })
	}
	all.Wait()
	want(t, "days", h.kept(t, h.acme, "active_users", summary.Query{Period: summary.Day}),
		[]string{"2026-05-01 1", "2026-05-02 2", "2026-05-03 0", "2026-05-04 0", "2026-05-05 0", "2026-05-06 0"})
	want(t, "weeks", h.kept(t, h.acme, "active_users", summary.Query{Period: summary.Week}), []string{"2026-04-27 2"})
	want(t, "a range", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day, From: new(day(t, "2026-05-02")), To: new(day(t, "2026-05-04"))}),
		[]string{"2026-05-02 2", "2026-05-03 0"})
	want(t, "restatements", len(h.restated(t, h.acme, "events", summary.Day)), 0)
	if n := h.Number(t, `select count(*) from summary where tenant_id = $1 and version > 1 or superseded_at is not null`, h.acme); n > 0 {
		t.Errorf("%d rows were written twice", n)
	}
	h.summarize(t, h.globex, "2026-05-06T22:30:00Z")
	h.wantStrangerEmpty(t)
}

// What is kept is what the metric is when it is asked, for every metric and period.
func TestWhatIsKeptIsWhatIsAnswered(t *testing.T) {
	h := newHouse(t)
	for d := 1; d <= 31; d++ {
		for n := range d%4 + 1 {
			h.did(t, fmt.Sprint("u", n*d%7), fmt.Sprint("d", n), fmt.Sprintf("2026-03-%02dT%02d:30:00Z", d, (n*7+d)%24))
		}
	}
	h.summarize(t, h.acme, "2026-04-07T12:00:00Z")
	berlin := zone(t, "Europe/Berlin")
	for _, d := range metric.Builtin() {
		for _, p := range []summary.Period{summary.Day, summary.Week, summary.Month} {
			list, err := h.service().Series(as(t, h.acme), d.Key, summary.Query{Period: p})
			if err != nil || len(list) == 0 {
				t.Fatalf("%s %s: %d, %v", d.Key, p, len(list), err)
			}
			for _, s := range list {
				got, err := h.metrics.Value(as(t, h.acme), d, metric.Ask{From: &s.From, To: &s.To})
				if err != nil {
					t.Fatal(err)
				}
				if text(s.Value) != text(got.Value) || s.Exact != got.Exact {
					t.Errorf("%s of the %s from %s: %s is kept, and %s is answered", d.Key, p, s.Start, text(s.Value), text(got.Value))
				}
				grid := calendar.Grid{Zone: berlin, Interval: calendar.Interval(p), WeekStart: time.Monday}
				if !s.From.Equal(berlin.StartOf(s.Start)) || !s.To.Equal(grid.Next(s.From)) {
					t.Errorf("the %s from %s lasts from %v to %v", p, s.Start, s.From, s.To)
				}
			}
		}
	}
}

// A late event restates the day, the week and the month that it belongs to, and nothing before;
// what was said can be said again.
func TestALateEventRestatesItsPeriods(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.did(t, "ben", "", "2026-05-05T10:00:00Z")
	h.summarize(t, h.acme, "2026-06-02T10:00:00Z")
	then := time.Now()
	before := h.kept(t, h.acme, "events", summary.Query{Period: summary.Day})
	h.did(t, "cem", "", "2026-05-05T12:00:00Z")
	h.did(t, "cem", "", "2026-05-05T13:00:00Z")
	h.summarize(t, h.acme, "2026-06-02T10:01:00Z")
	for _, c := range []struct {
		period        summary.Period
		start         string
		before, after string
	}{{summary.Day, "2026-05-05", "1", "3"}, {summary.Week, "2026-05-04", "2", "4"}, {summary.Month, "2026-05-01", "2", "4"}} {
		list := h.restated(t, h.acme, "events", c.period)
		if len(list) != 1 {
			t.Fatalf("%s: %d restatements, want 1", c.period, len(list))
		}
		r := list[0]
		want(t, "restatement", []any{r.Start.String(), text(r.Was), text(r.Value), text(r.Change()), r.Causes, r.LateEvents, len(r.Because), r.Version},
			[]any{c.start, c.before, c.after, "2", []summary.Cause{summary.LateEvents}, 2, 0, 2})
	}
	if list := h.restated(t, h.acme, "active_users", summary.Day); len(list) != 1 || text(list[0].Was)+text(list[0].Value) != "12" {
		t.Errorf("active users: %+v", list)
	}
	want(t, "as it was known", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day, AsOf: &then}), before)
	long := then.AddDate(-1, 0, 0)
	want(t, "before anything was known", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day, AsOf: &long}), []string{})
	want(t, "now", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day, To: new(day(t, "2026-05-07"))}),
		[]string{"2026-05-04 1", "2026-05-05 3", "2026-05-06 0"})
	was := h.rowsOf(t, h.acme)
	h.summarize(t, h.acme, "2026-06-02T10:02:00Z")
	want(t, "rows after it was done again", h.rowsOf(t, h.acme), was)

	// Again, and the history has all three.
	h.did(t, "ann", "", "2026-05-05T14:00:00Z")
	h.summarize(t, h.acme, "2026-06-02T10:03:00Z")
	place := summary.Place{Metric: "events", Period: summary.Day, Start: day(t, "2026-05-05")}
	histories, err := h.service().Histories(as(t, h.acme), []summary.Place{place})
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for i, s := range histories[place] {
		values = append(values, text(s.Value))
		if (s.SupersededAt == nil) != (i == 0) || i > 0 && !s.SupersededAt.Equal(histories[place][i-1].RecordedAt) {
			t.Errorf("version %d was known from %v to %v", s.Version, s.RecordedAt, s.SupersededAt)
		}
	}
	want(t, "history", values, []string{"4", "3", "1"})
	if r := h.restated(t, h.acme, "events", summary.Day)[0]; r.LateEvents != 1 {
		t.Errorf("the second time %d events came late, want 1", r.LateEvents)
	}
	h.wantStrangerEmpty(t)
}

// A metric that looks back is restated for what came late before its period.
func TestWhatLooksBackIsRestated(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.did(t, "ben", "", "2026-05-06T10:00:00Z")
	h.summarize(t, h.acme, "2026-05-08T10:00:00Z")
	h.did(t, "ben", "", "2026-05-04T12:00:00Z") // so he was not new on the sixth
	h.summarize(t, h.acme, "2026-05-08T10:01:00Z")
	list := h.restated(t, h.acme, "new_users", summary.Day)
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprint(r.Start, " ", text(r.Was), " ", text(r.Value), " ", r.Causes))
	}
	slices.Sort(got)
	want(t, "new users", got, []string{"2026-05-04 1 2 [LATE_EVENTS]", "2026-05-06 1 0 [LATE_EVENTS]"})
}

// A merge, its undoing, a visitor who signs in later, and an erasure each say so.
func TestWhoIsWhoRestates(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.did(t, "ben", "", "2026-05-04T11:00:00Z")
	h.did(t, "", "phone", "2026-05-04T12:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	people := customer.NewService(h.App)
	id := func(user string) (n int64) {
		t.Helper()
		if err := h.Owner.QueryRow(t.Context(), `select identity_id from identity where tenant_id = $1 and distinct_id = $2`, h.acme, user).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	users := func(when, before, after string, cause summary.Cause, because ...string) {
		t.Helper()
		h.summarize(t, h.acme, "2026-05-06T10:01:00Z")
		r := h.restated(t, h.acme, "active_users", summary.Day)[0]
		want(t, when, []any{r.Start.String(), text(r.Was), text(r.Value), r.Causes, len(r.Because)},
			[]any{"2026-05-04", before, after, []summary.Cause{cause}, len(because)})
		for _, b := range because {
			if !slices.Contains(r.Because, b) {
				t.Errorf("%s: it names %v, want %s", when, r.Because, b)
			}
		}
	}
	merge, err := people.Merge(as(t, h.acme), id("ben"), id("ann"), "the same")
	if err != nil {
		t.Fatal(err)
	}
	users("a merge", "3", "2", summary.Identity, "merge:"+merge.ID.String())
	if _, err := people.Undo(as(t, h.acme), merge.ID); err != nil {
		t.Fatal(err)
	}
	users("undone", "2", "3", summary.Identity, "merge:"+merge.ID.String())
	h.did(t, "ann", "phone", "2026-05-06T09:00:00Z") // it was hers all along
	users("a visitor signs in", "3", "2", summary.Identity)
	want(t, "events", len(h.restated(t, h.acme, "events", summary.Day)), 0)
	erasure, err := people.Erase(as(t, h.acme), id("ben"), "asked for it")
	if err != nil {
		t.Fatal(err)
	}
	if err := customer.NewEraser(h.Worker).Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	users("an erasure", "2", "1", summary.Erasure, "erasure:"+erasure.ID.String())
	want(t, "events", h.restated(t, h.acme, "events", summary.Day)[0].Causes, []summary.Cause{summary.Erasure})
	h.wantStrangerEmpty(t)
}

// A new definition restates what it changes, and a new metric is found for all periods that
// there are, as if it had always been.
func TestADefinitionRestates(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	list := metric.Builtin()
	for i, d := range list {
		if d.Key == "events" {
			twice, another := *d, *d
			twice.Version, twice.Calc = d.Version+1, func(n []float64) *float64 { return new(2 * n[0]) }
			another.Key = "another"
			list[i] = &twice
			list = append(list, &another)
		}
	}
	h.metrics = metric.NewService(h.App, metric.NewCatalog(list))
	due, err := summary.NewSummarizer(h.Worker, h.metrics, discard).Due(t.Context(), instant(t, "2026-05-06T10:00:00Z"))
	if err != nil || len(due) != 1 {
		t.Fatalf("%d are due, %v; want 1", len(due), err)
	}
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	want(t, "another", h.kept(t, h.acme, "another", summary.Query{Period: summary.Day}), []string{"2026-05-04 1", "2026-05-05 0"})
	want(t, "events", h.kept(t, h.acme, "events", summary.Query{Period: summary.Day}), []string{"2026-05-04 2", "2026-05-05 0"})
	got := h.restated(t, h.acme, "events", summary.Day)
	if len(got) != 1 || !slices.Equal(got[0].Causes, []summary.Cause{summary.Redefined}) || got[0].DefinitionVersion != 2 {
		t.Errorf("restated %+v", got)
	}
	want(t, "of another", len(h.restated(t, h.acme, "another", summary.Day)), 0)
}

// There is work for a company until it has been done, and again when something changes; for one
// that has nothing there is none.
func TestWhoIsDue(t *testing.T) {
	h := newHouse(t)
	due := func(now string) int {
		t.Helper()
		list, err := summary.NewSummarizer(h.Worker, h.metrics, discard).Due(t.Context(), instant(t, now))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	want(t, "nothing happened", due("2026-05-06T10:00:00Z"), 0)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	want(t, "the day is not over", due("2026-05-04T21:59:59Z"), 0)
	want(t, "it is over", due("2026-05-04T22:00:00Z"), 1)
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	want(t, "it is done", due("2026-05-06T10:00:00Z"), 0)
	h.did(t, "ann", "", "2026-05-06T09:00:00Z")
	want(t, "the running day", due("2026-05-06T10:00:00Z"), 0)
	h.did(t, "ann", "", "2026-05-05T09:00:00Z")
	want(t, "a late event", due("2026-05-06T10:00:00Z"), 1)
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	want(t, "it is restated", due("2026-05-06T10:00:00Z"), 0)

	// Whose weeks begin on another day now has others.
	h.Exec(t, `update tenant set week_start = 0 where tenant_id = $1`, h.acme)
	h.summarize(t, h.acme, "2026-05-13T10:00:00Z")
	want(t, "weeks from Sunday", h.kept(t, h.acme, "events", summary.Query{Period: summary.Week}), []string{"2026-05-03 3"})
	want(t, "the next midnight", due("2026-05-13T22:00:00Z"), 1)
	h.Exec(t, `update tenant set suspended_at = now() where tenant_id = $1`, h.acme)
	want(t, "while it is suspended", due("2026-05-13T22:00:00Z"), 0)
}

// What is kept was found for all rows, and so who sees some alone is refused.
func TestWhoSeesSomeRowsSeesNoSummary(t *testing.T) {
	h := newHouse(t)
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	ctx := postgres.WithRows(as(t, h.acme), &postgres.Rows{})
	_, err := h.service().Series(ctx, "events", summary.Query{Period: summary.Day})
	_, restated := h.service().Restatements(ctx, summary.RestatedQuery{}, 1, nil)
	for _, err := range []error{err, restated} {
		if f, ok := fault.Of(err); !ok || f.Code != fault.Forbidden {
			t.Errorf("%v, want FORBIDDEN", err)
		}
	}
}
