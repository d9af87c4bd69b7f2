package cohort_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// TestFiguresByCohortsEqualARecount merges people, and undoes it, after a cohort was found: events
// and users within it, outside of it, and by it, are those of a plain count.
func TestFiguresByCohortsEqualARecount(t *testing.T) {
	h := newHouse(t)
	metrics := metric.NewService(h.App, metric.NewCatalog(metric.Builtin()))
	rapid.Check(t, func(t *rapid.T) {
		l := &life{house: h, id: h.Tenant(t, "UTC"), merges: map[string]uuid.UUID{}}
		l.merged = map[string]string{}
		l.grid = calendar.Grid{Zone: zoneOf(t, "UTC"), WeekStart: time.Monday}
		l.facts = drawFacts(t, l.grid)
		l.sendAll(t, l.facts)
		made, err := h.cohorts.Create(as(l.id), cohort.Draft{Kind: cohort.Static, Name: "C", Condition: did("Paid", cohort.AtLeast, 1, cohort.Window{})})
		if err != nil {
			t.Fatal(err)
		}
		h.work(t)
		l.look()
		roots := map[string]bool{} // who is in it, by the user or device that stands for them
		for _, f := range l.facts {
			roots[l.of[f.id]] = roots[l.of[f.id]] || f.kind == "Paid"
		}
		for range 3 {
			l.correct(t)
			l.look()
			in := map[string]bool{}
			for who, is := range roots {
				for l.merged[who] != "" {
					who = l.merged[who]
				}
				in[who] = in[who] || is
			}
			l.compareFigures(t, metrics, fmt.Sprint(made.ID), in)
		}
	})
}

func zoneOf(t *rapid.T, name string) calendar.Zone {
	zone, err := calendar.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func (l *life) compareFigures(t *rapid.T, metrics *metric.Service, id string, in map[string]bool) {
	from, to := time.Now().AddDate(0, -3, 0), time.Now().AddDate(0, 0, 1)
	var events, users [2]map[string]int
	for i := range events {
		events[i], users[i] = map[string]int{}, map[string]int{}
	}
	for _, f := range l.facts {
		who, side := l.of[f.id], 0
		if in[who] {
			side = 1
		}
		events[side][f.id]++
		if f.kind[0] != '$' {
			users[side][who]++
		}
	}
	for key, want := range map[string][2]map[string]int{"events": events, "active_users": users} {
		d, err := metric.NewCatalog(metric.Builtin()).Find(key)
		if err != nil {
			t.Fatal(err)
		}
		for side, operator := range []metric.Operator{metric.NotEquals, metric.Equals} {
			filter := metric.Filter{Is: &metric.Condition{Dimension: metric.Dimension{Kind: metric.ByCohort}, Operator: operator, Values: []any{id}}}
			if rapid.Bool().Draw(t, "denied") {
				filter.Is.Operator = []metric.Operator{metric.Equals, metric.NotEquals}[side]
				filter = metric.Filter{Not: &metric.Filter{Is: filter.Is}}
			}
			v, err := metrics.Value(as(l.id), d, metric.Ask{From: &from, To: &to, Filter: &filter})
			if err != nil || *v.Value != float64(len(want[side])) {
				t.Fatalf("%s, %s the cohort: %v %v, want %d", key, operator, v.Value, err, len(want[side]))
			}
		}
		a := metrics.Answer(as(l.id), []*metric.Question{{
			Of: d, Ask: metric.Ask{From: &from, To: &to}, By: []metric.Dimension{{Kind: metric.ByCohort, Name: id}}, Top: 5,
		}})[0]
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		for side, name := range []string{"false", "true"} {
			i := slices.IndexFunc(a.Breakdown.Rows, func(r metric.Row) bool { return *r.Keys[0] == name })
			switch {
			case i < 0 && len(want[side]) > 0, i >= 0 && *a.Breakdown.Rows[i].Value != float64(len(want[side])):
				t.Fatalf("%s by the cohort: %+v, want %d of %s", key, a.Breakdown.Rows, len(want[side]), name)
			}
		}
	}
}
