package metric_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Ann is active on two days in two ways, and Ben once: she is one user of each day, of each way and
// of the rest, and one of all of it.
func TestUniquesAreNeverSummed(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "UTC")
	w.did(t, id, "ann", "Opened", day(3, 2, 9), day(3, 3, 9))
	w.did(t, id, "ann", "Shared", day(3, 2, 10), day(3, 3, 10))
	w.did(t, id, "ann", "Paid", day(3, 3, 11))
	w.did(t, id, "ben", "Opened", day(3, 3, 9))
	ask := between(day(3, 2, 0), day(3, 4, 0), calendar.Day)
	for _, when := range []string{"open", "kept"} {
		series := w.tells(t, id, metric.Question{Ask: ask, Series: true}, "active_users").Series
		if got := fmt.Sprint(show(series.Values[0]), show(series.Values[1]), series.Cumulative); got != "1 2 []" {
			t.Errorf("%s: by day %s, want 1 2 and nothing summed up", when, got)
		}
		if v := w.tells(t, id, metric.Question{Ask: ask}, "active_users").Value; *v.Value != 2 {
			t.Errorf("%s: in all %v, want 2", when, *v.Value)
		}
		b := w.tells(t, id, metric.Question{Ask: ask, By: []metric.Dimension{{Kind: metric.ByType}}, Top: 1}, "active_users").Breakdown
		if len(b.Rows) != 1 || *b.Rows[0].Keys[0] != "Opened" || *b.Rows[0].Value != 2 || *b.Rest.Value != 1 || *b.Total.Value != 2 {
			t.Errorf("%s: by type %+v, the rest %v, in all %v; want 2, 1 and 2", when, b.Rows, *b.Rest.Value, *b.Total.Value)
		}
		if got := fmt.Sprint(show(b.Rest.Values[0]), show(b.Rest.Values[1]), show(b.Total.Values[0]), show(b.Total.Values[1])); got != "1 1 1 2" {
			t.Errorf("%s: the rest and all by day %s, want 1 1 1 2", when, got)
		}
		w.closeDays(t)
	}
	for _, d := range metric.Builtin() {
		if unique := d.Unit == metric.UnitUsers && d.Key != "new_users"; unique && d.Additive {
			t.Errorf("%s is said to add up", d.Key)
		}
	}
}

// A bucket is complete from the very instant of its end on, as far as everything is counted.
func TestABucketIsCompleteOnceTheWatermarkHasPassedIt(t *testing.T) {
	w := newWorld(t)
	id := w.Tenant(t, "Asia/Kathmandu")
	kathmandu, err := calendar.LoadZone("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	today := kathmandu.DateOf(time.Now())
	ask := between(kathmandu.StartOf(today-2), kathmandu.StartOf(today+2), calendar.Day)
	series := w.tells(t, id, metric.Question{Ask: ask, Series: true}, "events").Series
	for i, at := range series.At {
		end := kathmandu.StartOf(kathmandu.DateOf(at) + 1)
		if series.Complete[i] != !end.After(series.Watermark) {
			t.Errorf("the day from %v is complete %v, as of %v", at, series.Complete[i], series.Watermark)
		}
	}
	if !series.Complete[0] || series.Complete[3] || series.Watermark.IsZero() || !series.Exact {
		t.Errorf("complete %v, as of %v, exact %v", series.Complete, series.Watermark, series.Exact)
	}
}

// uniques are the metrics of distinct users, and of what can but be fewer once two of them are one.
var uniques = []string{"active_users", "new_users", "daily_active_users", "weekly_active_users", "monthly_active_users", "sessions"}

// However people are merged and that is undone: no count of distinct users rises by a merge, all are
// what a recount says of whoever is who, and once all is undone every figure is what it was.
func TestMergingNeverRaisesAUniqueCountAndUndoingRestoresAll(t *testing.T) {
	w := newWorld(t)
	people := customer.NewService(w.App)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(stretches).Draw(t, "stretch")
		id := w.Tenant(t, s.zone)
		events := drawLongHistory(t, s)
		w.append(t, id, events)
		m := merging{world: w, people: people, id: id, events: events, into: map[string]string{}, ask: drawLongAsk(t, s)}
		first := m.figures(t)
		before, undo := first, []uuid.UUID{}
		for range rapid.IntRange(1, 3).Draw(t, "merges") {
			made, is := m.merge(t)
			if !is {
				continue
			}
			undo = append(undo, made)
			if rapid.Bool().Draw(t, "materialize") {
				w.close(t)
			}
			after := m.figures(t)
			for key, values := range after {
				for i, v := range values {
					if slices.Contains(uniques, key) && v.(float64) > before[key][i].(float64) {
						t.Fatalf("%s rose from %v to %v by a merge", key, before[key], values)
					}
				}
			}
			m.recount(t)
			before = after
		}
		slices.Reverse(undo)
		for _, made := range undo {
			if _, err := people.Undo(m.as(), made); err != nil {
				t.Fatal(err)
			}
		}
		if got := m.figures(t); fmt.Sprint(got) != fmt.Sprint(first) {
			t.Fatalf("undone: %v, and it was %v", got, first)
		}
	})
}

// merging is a history whose people are merged.
type merging struct {
	*world
	people *customer.Service
	id     tenant.ID
	events []happened
	into   map[string]string // by who was merged
	ask    metric.Ask
}

func (m *merging) as() context.Context {
	may := access.ManageKey.Permissions() | access.ReadKey.Permissions()
	return access.With(context.Background(), access.Principal{Tenant: m.id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: may})
}

// figures are those of every metric of users: of the whole range, and of each bucket.
func (m *merging) figures(t *rapid.T) map[string][]any {
	var questions []*metric.Question
	for _, d := range metric.Builtin() {
		questions = append(questions, &metric.Question{Of: d, Ask: m.ask}, &metric.Question{Of: d, Ask: m.ask, Series: true})
	}
	figures := map[string][]any{}
	for i, a := range m.metrics.Answer(m.as(), questions) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		key := questions[i].Of.Key
		if a.Value != nil {
			figures[key] = append(figures[key], show(a.Value.Value))
			continue
		}
		for _, v := range a.Series.Values {
			figures[key] = append(figures[key], show(v))
		}
	}
	return figures
}

// merge joins two of those who are somebody, as long as neither has been merged into another.
func (m *merging) merge(t *rapid.T) (made uuid.UUID, is bool) {
	who := rapid.SampledFrom([]string{"ann", "ben", "cem", "dua", "eve"})
	from, into := who.Draw(t, "from"), who.Draw(t, "into")
	if from == into || m.into[from] != "" || m.into[into] != "" {
		return made, false
	}
	a, err := m.people.FindPerson(m.as(), &from, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.people.FindPerson(m.as(), &into, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a == nil || b == nil {
		return made, false
	}
	merge, err := m.people.Merge(m.as(), a.ID, b.ID, "The same.")
	if err != nil {
		t.Fatal(err)
	}
	m.into[from] = into
	return merge.ID, true
}

// recount holds the figures against the events as if whoever was merged had never had another name.
func (m *merging) recount(t *rapid.T) {
	owner, known := owners(m.events), slices.Clone(m.events)
	for i, e := range known {
		who := doer(e, owner)
		for m.into[who] != "" {
			who = m.into[who]
		}
		known[i].user, known[i].device = who, ""
	}
	reader := access.Principal{Tenant: m.id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}
	m.compareUsers(t, reader, m.ask, history{known, map[string]string{}})
}
