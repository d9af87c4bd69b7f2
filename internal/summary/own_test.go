package summary_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// newFirm is a house whose companies have revenue, and metrics of their own.
func newFirm(t *testing.T) (*house, *definition.Service) {
	t.Helper()
	h := newHouse(t)
	catalog := metric.NewCatalog(metric.Builtin(), revenue.Metrics()).WithOwn(definition.Library{})
	h.metrics = metric.NewService(h.App, catalog)
	h.Exec(t, `update tenant set currency = 'EUR'`)
	return h, definition.NewService(h.App, catalog, h.metrics)
}

func drafted(formula string) definition.Draft {
	return definition.Draft{Name: "One's own", Direction: metric.Neutral, Formula: &formula}
}

// of is a draft that measures events.
func of(m metric.Measure) definition.Draft {
	return definition.Draft{Name: "One's own", Direction: metric.Neutral, Events: &m}
}

// create makes metrics of a company's own; told again, it changes them.
func create(t *testing.T, own *definition.Service, id tenant.ID, drafts map[string]definition.Draft) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(drafts)) {
		if _, err := own.Create(as(t, id), key, drafts[key]); err != nil {
			if _, err = own.Update(as(t, id), key, drafts[key]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// due tells whether there is work for any company.
func (h *house) due(t *testing.T, now string) int {
	t.Helper()
	list, err := summary.NewSummarizer(h.Worker, h.metrics, discard).Due(t.Context(), instant(t, now))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// paid sends what is said of revenue.
func (h *house) paid(t *testing.T, items ...revenue.Item) {
	t.Helper()
	given := make([]revenue.Given, len(items))
	for i, item := range items {
		given[i].Item = item
	}
	who := access.Principal{Tenant: h.acme, Kind: access.WriteKey, Source: "billing", Permissions: access.WriteKey.Permissions()}
	verdicts, err := revenue.NewService(h.App).Record(t.Context(), who, given)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatalf("item %d: %+v", i, v)
		}
	}
}

func (h *house) subscribed(t *testing.T, id, at string, status revenue.Status) revenue.Item {
	return revenue.Item{Subscription: &revenue.SubscriptionItem{ID: id, GroupID: id, Plan: "pro", Status: status, OccurredAt: instant(t, at)}}
}

var pro = revenue.Item{Plan: &revenue.PlanItem{Key: "pro", Amount: 1_000, Currency: "USD", Interval: revenue.Month}}

func rate(day, rate string) revenue.Item {
	return revenue.Item{Rate: &revenue.RateItem{Base: "USD", Currency: "EUR", Day: day, Rate: rate}}
}

// told gives the restatements of a metric's days since others were told, as "start before after
// causes", the earliest day first.
func (h *house) told(t *testing.T, key string, since int) []string {
	t.Helper()
	list := h.restated(t, h.acme, key, summary.Day)
	words := []string{}
	for _, r := range list[:max(len(list)-since, 0)] {
		words = append(words, fmt.Sprint(r.Start, " ", text(r.Was), " ", text(r.Value), " ", r.Causes))
	}
	slices.Sort(words)
	return words
}

// What a tenant has defined itself is kept like all else, by the version of its definition; a new
// definition restates what is over, and says so.
func TestMetricsOfOnesOwnAreKept(t *testing.T) {
	h, own := newFirm(t)
	create(t, own, h.acme, map[string]definition.Draft{
		"opened": of(metric.Measure{Aggregation: metric.Count, Types: []string{"Opened"}}), "per_user": drafted("opened / active_users"),
	})
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.did(t, "ann", "", "2026-05-04T11:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	want(t, "opened", h.kept(t, h.acme, "opened", summary.Query{Period: summary.Day}), []string{"2026-05-04 2", "2026-05-05 0"})
	want(t, "by user", h.kept(t, h.acme, "per_user", summary.Query{Period: summary.Day}), []string{"2026-05-04 2", "2026-05-05 -"})
	want(t, "weeks", h.kept(t, h.acme, "opened", summary.Query{Period: summary.Week}), []string{})
	want(t, "is there more to do", h.due(t, "2026-05-06T10:00:00Z"), 0)

	create(t, own, h.acme, map[string]definition.Draft{"opened": of(metric.Measure{Aggregation: metric.Count, Types: []string{"Closed"}})})
	want(t, "is there to do, as one was changed", h.due(t, "2026-05-06T10:00:00Z"), 1)
	h.summarize(t, h.acme, "2026-05-06T10:01:00Z")
	want(t, "restated", h.told(t, "opened", 0), []string{"2026-05-04 2 0 [DEFINITION]"})
	want(t, "and what is made of it", h.told(t, "per_user", 0), []string{"2026-05-04 2 0 [DEFINITION]"})
	if v := h.restated(t, h.acme, "opened", summary.Day)[0].DefinitionVersion; v != 2 {
		t.Errorf("it was restated by version %d, want 2", v)
	}
	// Another name is no other figure, and what holds is by the definition that holds.
	renamed := of(metric.Measure{Aggregation: metric.Count, Types: []string{"Closed"}})
	renamed.Name = "Closed"
	create(t, own, h.acme, map[string]definition.Draft{"opened": renamed})
	h.summarize(t, h.acme, "2026-05-06T10:02:00Z")
	want(t, "restated by another name", len(h.told(t, "opened", 1)), 0)
	one, err := h.service().Find(as(t, h.acme), "opened", summary.Query{Period: summary.Day}, day(t, "2026-05-04"))
	if err != nil || one.DefinitionVersion != 3 || one.Version != 2 {
		t.Errorf("%+v, %v; want version 2 by definition 3", one, err)
	}
	if err := own.Remove(as(t, h.acme), "per_user"); err != nil {
		t.Fatal(err)
	}
	h.did(t, "ben", "", "2026-05-05T10:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:03:00Z")
	want(t, "events, after another was given up", h.told(t, "events", 0), []string{"2026-05-05 0 1 [LATE_EVENTS]"})
	want(t, "is there more to do at last", h.due(t, "2026-05-06T10:00:00Z"), 0)
	if n := h.Number(t, `select count(*) from summary where tenant_id = $1`, h.globex); n > 0 {
		t.Errorf("the stranger has %d summaries", n)
	}
}

// Revenue that is told late, a rate and a trial each restate what they are about, and no more. A
// company that has revenue alone has summaries as well.
func TestRevenueIsRestated(t *testing.T) {
	h, _ := newFirm(t)
	h.paid(t, pro, rate("2026-01-01", "0.5"), h.subscribed(t, "s1", "2026-05-04T10:00:00Z", revenue.Active))
	now := func(n int) string { return fmt.Sprintf("2026-05-06T10:%02d:00Z", n) }
	want(t, "is there to do", h.due(t, now(0)), 1)
	h.summarize(t, h.acme, now(0))
	days := summary.Query{Period: summary.Day, From: new(day(t, "2026-05-03"))}
	want(t, "kept", h.kept(t, h.acme, "mrr", days), []string{"2026-05-03 0", "2026-05-04 500", "2026-05-05 500"})
	want(t, "is there more to do", h.due(t, now(0)), 0)

	h.paid(t, h.subscribed(t, "s2", "2026-05-05T10:00:00Z", revenue.Active))
	want(t, "is there to do after a late subscription", h.due(t, now(1)), 1)
	h.summarize(t, h.acme, now(1))
	want(t, "a late subscription", h.told(t, "mrr", 0), []string{"2026-05-05 500 1000 [REVENUE]"})
	want(t, "what it expanded", len(h.told(t, "mrr_expansion", 0)), 0)

	h.paid(t, rate("2026-05-05", "0.6"))
	want(t, "is there to do after a rate", h.due(t, now(2)), 1)
	h.summarize(t, h.acme, now(2))
	want(t, "a rate", h.told(t, "mrr", 1), []string{"2026-05-05 1000 1200 [REVENUE]"})
	want(t, "is a line", h.told(t, "mrr_fx", 0), []string{"2026-05-05 0 100 [REVENUE]"})

	trial := h.subscribed(t, "s3", "2026-05-05T12:00:00Z", revenue.Trialing)
	h.paid(t, trial)
	want(t, "is there to do after a trial", h.due(t, now(3)), 1)
	h.summarize(t, h.acme, now(3))
	want(t, "a trial", h.told(t, "trials", 0), []string{"2026-05-05 0 1 [REVENUE]"})
	want(t, "which is no revenue", len(h.told(t, "mrr", 2)), 0)

	h.paid(t, rate("2026-05-06", "0.7")) // of the running day
	want(t, "is there to do after today's rate", h.due(t, now(4)), 0)
	h.Exec(t, `update tenant set currency = 'USD' where tenant_id = $1`, h.acme)
	want(t, "is there to do after another currency", h.due(t, now(5)), 1)
	h.summarize(t, h.acme, now(5))
	want(t, "in dollars", h.told(t, "mrr", 2)[len(h.told(t, "mrr", 2))-2:], []string{"2026-05-04 500 1000 [DEFINITION]", "2026-05-05 1200 2000 [DEFINITION]"})
	want(t, "events", len(h.restated(t, h.acme, "events", summary.Day)), 0)
	want(t, "is there more to do at last", h.due(t, now(6)), 0)
}

// A figure that could not be told for want of a rate is found once there is one.
func TestWhatCouldNotBeToldIsFoundLater(t *testing.T) {
	h, _ := newFirm(t)
	h.paid(t, pro, h.subscribed(t, "s1", "2026-05-04T10:00:00Z", revenue.Active))
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	want(t, "without a rate", h.kept(t, h.acme, "mrr", summary.Query{Period: summary.Day}), []string{})
	want(t, "customers", h.kept(t, h.acme, "trials", summary.Query{Period: summary.Day}), []string{"2026-05-04 0", "2026-05-05 0"})
	h.paid(t, rate("2026-05-01", "0.5"))
	h.summarize(t, h.acme, "2026-05-06T10:01:00Z")
	want(t, "with one", h.kept(t, h.acme, "mrr", summary.Query{Period: summary.Day, From: new(day(t, "2026-05-04"))}), []string{"2026-05-04 500", "2026-05-05 500"})
	want(t, "restated", len(h.told(t, "mrr", 0)), 0)
}

// The cause of a formula is that of the part that moved, and who is who is no cause of what does
// not ask for it.
func TestCausesAreThoseOfWhatAMetricIsMadeOf(t *testing.T) {
	h, own := newFirm(t)
	create(t, own, h.acme, map[string]definition.Draft{
		"per_event": drafted("mrr / events"), "per_head": drafted("events / active_users"),
		"sum": of(metric.Measure{Aggregation: metric.Sum, Property: "n"}),
	})
	h.paid(t, pro, rate("2026-01-01", "1"), h.subscribed(t, "s1", "2026-05-04T10:00:00Z", revenue.Active))
	h.did(t, "ann", "", "2026-05-04T10:00:00Z")
	h.did(t, "ben", "", "2026-05-04T10:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:00:00Z")
	h.did(t, "ben", "", "2026-05-04T11:00:00Z")
	h.did(t, "ann", "", "2026-05-04T11:00:00Z")
	h.summarize(t, h.acme, "2026-05-06T10:01:00Z")
	want(t, "late events", h.told(t, "per_event", 0), []string{"2026-05-04 500 250 [LATE_EVENTS]"})
	want(t, "are no change of revenue", len(h.told(t, "mrr", 0)), 0)

	h.paid(t, h.subscribed(t, "s2", "2026-05-04T12:00:00Z", revenue.Active))
	h.summarize(t, h.acme, "2026-05-06T10:02:00Z")
	want(t, "revenue", h.told(t, "per_event", 1), []string{"2026-05-04 250 500 [REVENUE]"})

	people := customer.NewService(h.App)
	person := func(user string) int64 {
		t.Helper()
		p, err := people.FindPerson(as(t, h.acme), &user, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	ctx := access.With(t.Context(), access.Principal{Tenant: h.acme, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
	if _, err := people.Merge(ctx, person("ben"), person("ann"), "The same."); err != nil {
		t.Fatal(err)
	}
	h.summarize(t, h.acme, "2026-05-06T10:03:00Z")
	want(t, "a merge", h.told(t, "per_head", 1), []string{"2026-05-04 2 4 [IDENTITY]"})
	want(t, "which is not revenue's", len(h.told(t, "per_event", 2)), 0)

	// Changed past everything: nobody was merged, and no event came.
	h.Exec(t, `update event set properties = '{"n": 7}' where tenant_id = $1`, h.acme)
	h.Exec(t, `update day_version set version = nextval('day_version_seq') where tenant_id = $1`, h.acme)
	h.summarize(t, h.acme, "2026-05-06T10:04:00Z")
	want(t, "a hand in the database", h.told(t, "sum", 0), []string{"2026-05-04 0 28 [DATA]"})
}

// Whatever changes in a day that is over is seen, be the day long past or not, also if it was under
// way while one looked, or if nobody has come to the end of looking; and what is of today is not.
func TestNothingThatIsOverIsOverlooked(t *testing.T) {
	h, _ := newFirm(t)
	now, berlin := time.Now().UTC(), zone(t, "Europe/Berlin")
	clock, today := now.Format(time.RFC3339Nano), berlin.DateOf(now)
	at := func(days int) string {
		return berlin.StartOf(today - calendar.Date(days)).Add(time.Minute).Format(time.RFC3339)
	}
	for _, days := range []int{0, 1, 2, 3, 4, 40} {
		h.did(t, "ann", "", at(days))
	}
	h.summarize(t, h.acme, clock)
	want(t, "is there to do", h.due(t, clock), 0)
	h.did(t, "ben", "", at(0))
	want(t, "is there to do for today", h.due(t, clock), 0)
	for _, days := range []int{1, 2, 3, 4, 40} {
		h.did(t, "ben", "", at(days))
		want(t, fmt.Sprintf("is there to do %d days ago", days), h.due(t, clock), 1)
		h.summarize(t, h.acme, clock)
		want(t, "is there more to do", h.due(t, clock), 0)
	}
	h.Exec(t, `delete from summary_look`) // as one leaves it who ends before the end
	want(t, "is there to do after one ended", h.due(t, clock), 0)
	h.did(t, "cem", "", at(3))
	want(t, "is there to do after one ended, and something came", h.due(t, clock), 1)

	for _, days := range []int{1, 4, 40} {
		tx, err := h.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Exec(t.Context(), `update day_version set version = nextval('day_version_seq') where tenant_id = $1 and day = $2`, h.acme, today-calendar.Date(days))
		if err != nil {
			t.Fatal(err)
		}
		h.summarize(t, h.acme, clock)
		want(t, "is there to do while one writes", h.due(t, clock), 0)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, fmt.Sprintf("is there to do after one wrote %d days ago", days), h.due(t, clock), 1)
	}
}
