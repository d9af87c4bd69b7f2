package metric_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// trips counts what is sent to the database: statements, and how often one waits for it.
type trips struct {
	mu         sync.Mutex
	statements []string
	waits      int
}

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits++
	c.statements = append(c.statements, d.SQL)
	return ctx
}

func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits++
	return ctx
}

func (c *trips) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statements = append(c.statements, d.SQL)
}

func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (c *trips) of(text string) (n int) {
	for _, s := range c.statements {
		if strings.Contains(s, text) {
			n++
		}
	}
	return n
}

// sent stores events of a tenant as one batch.
func (w *world) sent(t *testing.T, id tenant.ID, events ...event.Incoming) {
	t.Helper()
	items := make([]event.Item, len(events))
	for i, e := range events {
		items[i].Incoming = e
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	if _, err := w.writer.Append(context.Background(), id, "default", items); err != nil {
		t.Fatal(err)
	}
}

func readerOf(id tenant.ID) context.Context {
	return access.With(context.Background(), access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
}

// Twelve widgets, of which some need the same, are one round: each need is read once, and all
// of them in one trip. A breakdown with what it compares takes a second one.
func TestWhatIsAskedTogetherIsReadTogether(t *testing.T) {
	w := newWorld(t)
	count := &trips{}
	metrics := metric.NewService(w.AnotherApp(t, count), metric.NewCatalog(metric.Builtin()))
	ctx := readerOf(w.Tenant(t, "UTC"))
	from, to := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)
	ask := metric.Ask{From: &from, To: &to, Interval: calendar.Day}
	eu := ask
	eu.Filter = &metric.Filter{Is: &metric.Condition{Dimension: metric.Dimension{Kind: metric.ByProperty, Name: "region"}, Operator: metric.Equals, Values: []any{"EU"}}}
	var questions []*metric.Question
	for range 2 { // twice the same
		for _, of := range metric.Builtin()[:3] { // of which everything can be asked
			questions = append(questions, &metric.Question{Of: of, Ask: ask}, &metric.Question{Of: of, Ask: eu, Series: true})
		}
	}
	answer := func(questions []*metric.Question) {
		t.Helper()
		*count = trips{}
		for _, a := range metrics.Answer(ctx, questions) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
	answer(questions) // statements are prepared once
	answer(questions)
	needs := count.of("-- name: EventCount") + count.of("-- name: Presence") + count.of("-- name: IdentityNew") + count.of("-- name: Measure")
	// what begins the transaction, and what ends it, goes with the tenant and all figures
	if len(questions) != 12 || needs != 6 || count.waits != 1 {
		t.Errorf("%d questions took %d statements in %d trips: %q", len(questions), needs, count.waits, count.statements)
	}
	by := []metric.Dimension{{Kind: metric.BySource}, {Kind: metric.ByProperty, Name: "region"}}
	compare := ask
	compare.Compare = []metric.Comparison{{Kind: metric.LastMonth}, {Kind: metric.LastYear}}
	broken := []*metric.Question{
		{Of: metric.Builtin()[0], Ask: compare, By: by, Top: 3}, {Of: metric.Builtin()[1], Ask: compare, By: by, Top: 3},
	}
	answer(broken)
	answer(broken)
	if count.waits != 3 {
		t.Errorf("two breakdowns with comparisons took %d trips: %q", count.waits, count.statements)
	}
}

// Beyond the groups that are looked at, the rest is whole, and a group that is small in the
// other range is compared all the same.
func TestTheRestIsWholeHoweverManyGroups(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	day := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var events []event.Incoming
	add := func(name string, at time.Time) {
		events = append(events, event.Incoming{
			MessageID: fmt.Sprint(len(events)), Type: "Opened", UserID: "ann", Timestamp: at, Properties: []byte(`{"page":"` + name + `"}`),
		})
	}
	const pages = metric.MaxGroups + 50
	for i := range pages {
		add(fmt.Sprintf("p%05d", i), day)
		add(fmt.Sprintf("p%05d", i), day.AddDate(0, 0, -1))
		if i < pages-1 {
			add(fmt.Sprintf("p%05d", i), day.AddDate(0, 0, -1))
		}
	}
	add("p10049", day) // the largest now, and the smallest the day before
	for start := 0; start < len(events); start += 1000 {
		w.sent(t, id, events[start:min(start+1000, len(events))]...)
	}
	from, to := day.Truncate(24*time.Hour), day.Truncate(24*time.Hour).AddDate(0, 0, 1)
	answer := w.metrics.Answer(readerOf(id), []*metric.Question{{
		Of: metric.Builtin()[0], By: []metric.Dimension{{Kind: metric.ByProperty, Name: "page"}}, Top: 1,
		Ask: metric.Ask{From: &from, To: &to, Compare: []metric.Comparison{{Kind: metric.PreviousPeriod}}},
	}})[0]
	if answer.Err != nil {
		t.Fatal(answer.Err)
	}
	b := answer.Breakdown
	row := b.Rows[0]
	if b.Groups != metric.MaxGroups || *row.Keys[0] != "p10049" || *row.Value != 2 || *row.Comparisons[0].Value != 1 {
		t.Errorf("%d groups, the first %v with %v, and %v before", b.Groups, *row.Keys[0], *row.Value, *row.Comparisons[0].Value)
	}
	if *b.Rest.Value != pages-1 || *b.Rest.Comparisons[0].Value != 2*(pages-1) {
		t.Errorf("the rest is %v, and was %v", *b.Rest.Value, *b.Rest.Comparisons[0].Value)
	}
}

// A person's traits are what was said last under any of their ids, else what was said once,
// first; so a breakdown and a profile tell the same.
func TestTraitsOfMergedPeople(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	day := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	say := func(message, user, traits, once string, at time.Time) event.Incoming {
		return event.Incoming{MessageID: message, Type: event.Identify, UserID: user, Timestamp: at, Traits: []byte(traits), TraitsOnce: []byte(once)}
	}
	w.sent(t, id,
		say("1", "ann", `{"tier":"gold","name":"Ann"}`, `{"from":"ad"}`, day.Add(time.Minute)),
		say("2", "bob", `{"tier":"silver"}`, `{"from":"friend","name":"Bob"}`, day),
		event.Incoming{MessageID: "3", Type: "Opened", UserID: "ann", Timestamp: day},
		event.Incoming{MessageID: "4", Type: "Opened", UserID: "bob", Timestamp: day},
		event.Incoming{MessageID: "5", Type: "Opened", UserID: "cem", Timestamp: day},
	)
	people, ctx := customer.NewService(w.App), access.With(context.Background(), access.Principal{Tenant: id, ID: [16]byte{7}, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
	ann, bob := "ann", "bob"
	a, err := people.FindPerson(ctx, &ann, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := people.FindPerson(ctx, &bob, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := people.Merge(ctx, a.ID, b.ID, "The same."); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"tier": "gold", "name": "Ann", "from": "friend"} {
		from, to := day.Truncate(24*time.Hour), day.Truncate(24*time.Hour).AddDate(0, 0, 1)
		answer := w.metrics.Answer(ctx, []*metric.Question{{
			Of: metric.Builtin()[1], Ask: metric.Ask{From: &from, To: &to}, Top: 5, By: []metric.Dimension{{Kind: metric.ByUserTrait, Name: name}},
		}})[0]
		if answer.Err != nil {
			t.Fatal(answer.Err)
		}
		rows := answer.Breakdown.Rows // of two people, one of whom nothing is known
		if len(rows) != 2 || rows[0].Keys[0] != nil || *rows[1].Keys[0] != want || *rows[1].Value != 1 {
			t.Errorf("by %s: %+v, want one of %s", name, rows, want)
		}
	}
}
