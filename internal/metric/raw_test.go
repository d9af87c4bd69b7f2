package metric_test

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// TestEveryMeasureEqualsARecount feeds shuffled, late and repeated events, and merges people in
// between. It then asks for any measure, by any filter and dimensions, now or as of any instant
// of the past, as one who sees all or some: the answers must be what a plain recount gives.
func TestEveryMeasureEqualsARecount(t *testing.T) {
	w := newWorld(t)
	people := customer.NewService(w.App)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(stretches).Draw(t, "stretch")
		lived := &life{world: w, people: people, id: w.Tenant(t, s.zone), merges: map[string]uuid.UUID{}}
		lived.grow(t, drawFacts(t, s))
		if rapid.Bool().Draw(t, "materialize") {
			w.close(t)
		}
		for range 3 {
			lived.ask(t, s)
		}
	})
}

// life is what becomes of a tenant: what was known after each step, and when that was.
type life struct {
	*world
	people *customer.Service
	id     tenant.ID
	known  []past
	at     []time.Time
	merges map[string]uuid.UUID // by who was merged
}

// grow sends facts, shuffled and in parts, and corrects who is who in between.
func (l *life) grow(t *rapid.T, facts []fact) {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
	random.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	now := past{merged: map[string]string{}}
	for len(facts) > 0 {
		n := rapid.IntRange(1, len(facts)).Draw(t, "sent")
		part := facts[:n]
		facts = facts[n:]
		l.send(t, part)
		l.send(t, part[:n/2]) // again
		now.facts = append(slices.Clip(now.facts), part...)
		now = l.keep(t, now)
		now.merged = maps.Clone(now.merged)
		l.correct(t, now)
		now = l.keep(t, now)
	}
}

// keep remembers what is known at this instant.
func (l *life) keep(t *rapid.T, now past) past {
	var at time.Time
	if err := l.Owner.QueryRow(context.Background(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	l.known, l.at = append(l.known, now), append(l.at, at.UTC())
	return now
}

// correct merges two users, or undoes it.
func (l *life) correct(t *rapid.T, now past) {
	ctx := access.With(context.Background(), access.Principal{Tenant: l.id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
	who := rapid.SampledFrom([]string{"ann", "ben", "cem", "dua", "eve"})
	from, into := who.Draw(t, "from"), who.Draw(t, "into")
	if id, merged := l.merges[from]; merged {
		if _, err := l.people.Undo(ctx, id); err != nil {
			t.Fatal(err)
		}
		delete(l.merges, from)
		delete(now.merged, from)
		return
	}
	for now.merged[into] != "" {
		into = now.merged[into]
	}
	a, b := l.find(t, ctx, from), l.find(t, ctx, into)
	if from == into || a == nil || b == nil {
		return
	}
	made, err := l.people.Merge(ctx, a.ID, b.ID, "The same.")
	if err != nil {
		t.Fatal(err)
	}
	l.merges[from], now.merged[from] = made.ID, into
}

func (l *life) find(t *rapid.T, ctx context.Context, user string) *customer.Person {
	p, err := l.people.FindPerson(ctx, &user, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (l *life) send(t *rapid.T, facts []fact) {
	for _, f := range facts {
		item := event.Item{Incoming: event.Incoming{
			MessageID: f.id, Type: f.kind, UserID: f.user, AnonymousID: f.device, PreviousID: f.previous, Timestamp: f.at, GroupID: f.group,
		}}
		if f.user == "" && f.device == "" {
			item.AnonymousID = "null" // stands for nobody
		}
		item.Properties, item.Context, item.Traits = written(t, f.properties), written(t, f.context), written(t, f.traits)
		if problem := item.Check(); problem != nil {
			t.Fatal(problem)
		}
		if _, err := l.writer.Append(context.Background(), l.id, f.source, []event.Item{item}); err != nil {
			t.Fatal(err)
		}
	}
}

func written(t *rapid.T, object map[string]any) []byte {
	if object == nil {
		return nil
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ask asks once, and holds the answer against the recount.
func (l *life) ask(t *rapid.T, s stretch) {
	a := drawAsked(t, s)
	last := len(l.known) - 1
	then := last
	if rapid.Bool().Draw(t, "in the past") {
		then = rapid.IntRange(0, last).Draw(t, "as of")
		a.AsOf = &l.at[then]
	}
	m, who := everybody(l.known[then], l.known[last]), access.Principal{Tenant: l.id, Kind: access.ReadKey, Permissions: reader}
	if rapid.IntRange(0, 2).Draw(t, "narrowed") == 0 {
		who.Rows = narrow(t, &m)
	}
	answer := l.metrics.Answer(access.With(context.Background(), who), []*metric.Question{&a.Question})[0]
	if answer.Err != nil {
		t.Fatalf("%s: %v", a.describe(), answer.Err)
	}
	check := checker{a, m.tell(), t}
	switch {
	case answer.Series != nil:
		check.series(*answer.Series)
	case answer.Value != nil:
		check.value(*answer.Value)
	default:
		check.breakdown(*answer.Breakdown)
	}
	if a.Of.Entities != nil {
		hidden := who.Rows != nil && a.Of.Entities.Kind == metric.Accounts
		l.listed(t, access.With(context.Background(), who), a.Question, hidden)
	}
}
