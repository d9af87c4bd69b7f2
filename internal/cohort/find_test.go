package cohort_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

var zones = []string{"UTC", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"}

// TestConditionsEqualARecount sends histories out of order, late and again, merges people and
// undoes it, and then finds any condition: who is found is who a plain evaluation finds.
func TestConditionsEqualARecount(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		l := &life{house: h, id: h.Tenant(t, zone), merges: map[string]uuid.UUID{}}
		l.merged = map[string]string{}
		loaded, err := calendar.LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		l.grid = calendar.Grid{Zone: loaded, WeekStart: time.Monday}
		facts := drawFacts(t, l.grid)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		random.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		for len(facts) > 0 {
			n := rapid.IntRange(1, len(facts)).Draw(t, "sent")
			l.sendAll(t, facts[:n])
			l.sendAll(t, facts[:n/2]) // again
			l.facts, facts = append(l.facts, facts[:n]...), facts[n:]
			l.correct(t)
			for range 3 {
				l.compare(t, drawCondition(t, l, 3))
			}
		}
	})
}

// life is what becomes of a tenant.
type life struct {
	*house
	model
	id     tenant.ID
	merges map[string]uuid.UUID // by who was merged
}

func (l *life) sendAll(t *rapid.T, facts []fact) {
	for _, f := range facts {
		e := event.Incoming{MessageID: f.id, Type: f.kind, UserID: f.user, AnonymousID: f.device, Timestamp: f.at, GroupID: f.group}
		if f.region != nil {
			e.Properties = written(t, map[string]any{"region": f.region})
		}
		if f.traits != nil {
			e.Traits = written(t, f.traits)
		}
		l.send(t, l.id, e)
	}
}

func written(t *rapid.T, object map[string]any) []byte {
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var users = []string{"ann", "ben", "cem", "dua"}

// correct merges two users, or undoes it.
func (l *life) correct(t *rapid.T) {
	from, into := rapid.SampledFrom(users).Draw(t, "from"), rapid.SampledFrom(users).Draw(t, "into")
	if id, merged := l.merges[from]; merged {
		if _, err := l.people.Undo(as(l.id), id); err != nil {
			t.Fatal(err)
		}
		delete(l.merges, from)
		delete(l.merged, from)
		return
	}
	for l.merged[into] != "" {
		into = l.merged[into]
	}
	a, b := l.person(t, l.id, from), l.person(t, l.id, into)
	if from == into || a == nil || b == nil {
		return
	}
	made, err := l.people.Merge(as(l.id), a.ID, b.ID, "The same.")
	if err != nil {
		t.Fatal(err)
	}
	l.merges[from], l.merged[from] = made.ID, into
}

func (l *life) compare(t *rapid.T, c cohort.Condition) {
	if err := c.Check("condition"); err != nil {
		t.Fatal(err)
	}
	found, err := l.cohorts.FindAll(as(l.id), l.id, &c)
	if err != nil {
		t.Fatal(err)
	}
	l.now = found.Now
	l.look()
	names := l.names(t, l.id)
	want := []string{}
	for who := range l.known {
		if l.holds(&c, who) {
			want = append(want, who)
		}
	}
	text, _ := json.Marshal(c)
	if got := named(found.Known, names); !slices.Equal(got, slices.Sorted(maps.Keys(l.known))) {
		t.Fatalf("known are %v, want %v", got, slices.Sorted(maps.Keys(l.known)))
	}
	if got := named(found.Persons, names); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Fatalf("%s: found %v, want %v of %v", text, got, slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(l.known)))
	}
}

func named(ids []int64, names map[int64]string) []string {
	list := []string{}
	for _, id := range ids {
		list = append(list, names[id])
	}
	slices.Sort(list)
	return list
}

var regions = []any{"EU", "eu", "US", "a.b", true, nil}

func drawFacts(t *rapid.T, grid calendar.Grid) []fact {
	now := time.Now().UTC().Truncate(time.Second)
	facts := make([]fact, rapid.IntRange(1, 20).Draw(t, "facts"))
	for i := range facts {
		f := fact{
			id:     fmt.Sprint("m", i),
			kind:   rapid.SampledFrom([]string{"Opened", "Paid", "Opened", "Paid", "$identify", "$group"}).Draw(t, "type"),
			user:   rapid.SampledFrom(append(users, "")).Draw(t, "user"),
			device: rapid.SampledFrom([]string{"", "", "phone", "tablet"}).Draw(t, "device"),
			group:  rapid.SampledFrom([]string{"", "a1", "a2"}).Draw(t, "group"),
			region: rapid.SampledFrom(regions).Draw(t, "region"),
		}
		if f.user == "" && f.device == "" {
			f.device = "laptop"
		}
		switch f.kind {
		case "$identify":
			f.user, f.region = f.user+f.device, nil // of whom something is said
			f.user = rapid.SampledFrom(users).Draw(t, "identified")
			if rapid.Bool().Draw(t, "says something") {
				f.traits = map[string]any{"tier": rapid.SampledFrom([]any{"gold", "silver", "Gold"}).Draw(t, "tier")}
			}
		case "$group":
			f.group, f.region = rapid.SampledFrom([]string{"a1", "a2"}).Draw(t, "grouped"), nil
			f.traits = map[string]any{"tier": rapid.SampledFrom([]any{"gold", "silver"}).Draw(t, "tier of group")}
		}
		step := grid
		step.Interval = rapid.SampledFrom([]calendar.Interval{calendar.Hour, calendar.Day, calendar.Week}).Draw(t, "step")
		f.at = step.Add(now, -rapid.IntRange(1, 6).Draw(t, "steps ago")) // edges are where mistakes are
		// Who is first is never in doubt; the first of all lies on the edge itself.
		f.at = f.at.Add(time.Duration(i) * time.Microsecond * time.Duration(rapid.SampledFrom([]int{1, 1, -1}).Draw(t, "side")))
		for slices.ContainsFunc(facts[:i], func(o fact) bool { return o.at.Equal(f.at) }) {
			f.at = f.at.Add(50 * time.Microsecond)
		}
		facts[i] = f
	}
	return facts
}

var traitOperators = []metric.Operator{metric.Equals, metric.NotEquals, metric.Contains, metric.AtLeast, metric.LessThan, metric.IsSet, metric.IsNotSet}

func drawMet(t *rapid.T, d metric.Dimension, values ...any) *metric.Condition {
	c := &metric.Condition{Dimension: d, Operator: rapid.SampledFrom(traitOperators).Draw(t, "operator")}
	if c.Operator != metric.IsSet && c.Operator != metric.IsNotSet {
		c.Values = []any{rapid.SampledFrom(values).Draw(t, "value")}
	}
	return c
}

func drawCondition(t *rapid.T, l *life, depth int) cohort.Condition {
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "tree") > 0 {
		parts := make([]cohort.Condition, rapid.IntRange(1, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = drawCondition(t, l, depth-1)
		}
		switch rapid.IntRange(0, 2).Draw(t, "of") {
		case 0:
			return cohort.Condition{Not: &parts[0]}
		case 1:
			return cohort.Condition{And: parts}
		}
		return cohort.Condition{Or: parts}
	}
	switch rapid.IntRange(0, 5).Draw(t, "leaf") {
	case 0:
		return cohort.Condition{Trait: drawMet(t, metric.Dimension{Kind: metric.ByUserTrait, Name: "tier"}, "gold", "silver", "o")}
	case 1:
		return cohort.Condition{Trait: drawMet(t, metric.Dimension{Kind: metric.ByAccountTrait, Name: "tier"}, "gold", "silver", "o")}
	case 2:
		return cohort.Condition{Stopped: &cohort.Stopped{Events: drawEvents(t), Last: drawLast(t)}}
	case 3:
		w := drawWindow(t, l)
		return cohort.Condition{FirstSeen: &w}
	}
	times := rapid.SampledFrom(cohort.AllTimes()).Draw(t, "times")
	least := 0
	if times == cohort.AtLeast {
		least = 1
	}
	return cohort.Condition{Did: &cohort.Did{
		Events: drawEvents(t), Times: times, Count: rapid.IntRange(least, 3).Draw(t, "count"), Within: drawWindow(t, l),
	}}
}

func drawEvents(t *rapid.T) (e cohort.Events) {
	e.Types = rapid.SampledFrom([][]string{nil, {"Opened"}, {"Paid", "Opened"}, {"$identify"}}).Draw(t, "types")
	if rapid.Bool().Draw(t, "filtered") {
		e.Filter = &metric.Filter{Is: drawMet(t, metric.Dimension{Kind: metric.ByProperty, Name: "region"}, "EU", "US", "a.b")}
	}
	return e
}

func drawLast(t *rapid.T) metric.Last {
	return metric.Last{
		Count:    rapid.IntRange(1, 6).Draw(t, "steps"),
		Interval: rapid.SampledFrom([]calendar.Interval{calendar.Hour, calendar.Day, calendar.Week, calendar.Month}).Draw(t, "interval"),
	}
}

// drawWindow draws one that often begins or ends with an event.
func drawWindow(t *rapid.T, l *life) (w cohort.Window) {
	switch rapid.IntRange(0, 3).Draw(t, "window") {
	case 0:
		return w
	case 1:
		last := drawLast(t)
		return cohort.Window{Last: &last}
	}
	at := func(label string) *time.Time {
		at := l.facts[rapid.IntRange(0, len(l.facts)-1).Draw(t, label)].at
		return &at
	}
	if rapid.Bool().Draw(t, "has from") {
		w.From = at("from")
	}
	if rapid.Bool().Draw(t, "has to") {
		if to := at("to"); w.From == nil || w.From.Before(*to) {
			w.To = to
		}
	}
	return w
}
