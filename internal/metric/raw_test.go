package metric_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

// values are such as senders think of. None writes one number in two ways: these would be two
// groups.
var values = []any{
	"EU", "eu", "e'\"\\u", "a.b*c[0]", "7", "", "Größe", "100%", "2026-03-01", 7, -3, 2.5, 1e15, true, false, nil,
	[]string{"EU"}, map[string]any{"x": "y"},
}

// names lead to properties, also within others and to what there never is.
var names = []string{"region", "plan.tier", "we\"ird $.'name", "größe", "plan", "region.x", "nothing"}

func drawFacts(t *rapid.T, s stretch) []fact {
	history := drawHistory(t, s)
	history = history[:min(len(history), 24)]
	value := rapid.SampledFrom(values)
	facts := make([]fact, len(history))
	for i, e := range history {
		e.at = e.at.Add(time.Duration(i) * time.Millisecond) // who is first is never in doubt
		f := fact{happened: e, source: rapid.SampledFrom([]string{"default", "web"}).Draw(t, "source")}
		if e.group != "" && rapid.IntRange(0, 3).Draw(t, "group call") == 0 && e.kind != event.Alias {
			f.kind = event.Group
		}
		f.properties = map[string]any{
			"region": value.Draw(t, "region"), "plan": map[string]any{"tier": value.Draw(t, "tier")},
			"n": rapid.SampledFrom([]any{1, 2, 3.25, -4, "5", 1e15, nil}).Draw(t, "n"),
		}
		for _, name := range []string{"we\"ird $.'name", "größe"} {
			if rapid.Bool().Draw(t, "has "+name) {
				f.properties[name] = value.Draw(t, name)
			}
		}
		f.context = map[string]any{"os": map[string]any{"name": rapid.SampledFrom([]any{"iOS", "Android", 1, nil}).Draw(t, "os")}}
		if f.kind == event.Identify || f.kind == event.Group {
			f.traits = map[string]any{"tier": rapid.SampledFrom([]any{"gold", "silver", 1}).Draw(t, "trait")}
			f.properties = f.traits // what such a call shows
		}
		facts[i] = f
	}
	return facts
}

var dimensions = rapid.Custom(func(t *rapid.T) metric.Dimension {
	d := metric.Dimension{Kind: rapid.SampledFrom([]metric.DimensionKind{
		metric.ByType, metric.BySource, metric.ByAccount, metric.ByProperty, metric.ByProperty, metric.ByProperty,
		metric.ByContext, metric.ByUserTrait, metric.ByAccountTrait,
	}).Draw(t, "kind")}
	switch d.Kind {
	case metric.ByProperty:
		d.Name = rapid.SampledFrom(names).Draw(t, "name")
	case metric.ByContext:
		d.Name = "os.name"
	case metric.ByUserTrait, metric.ByAccountTrait:
		d.Name = "tier"
	}
	return d
})

// drawCondition compares with what there may be.
func drawCondition(t *rapid.T) metric.Filter {
	c := &metric.Condition{
		Dimension: dimensions.Draw(t, "dimension"),
		Operator: rapid.SampledFrom([]metric.Operator{
			metric.Equals, metric.Equals, metric.NotEquals, metric.Contains, metric.StartsWith, metric.GreaterThan,
			metric.AtLeast, metric.LessThan, metric.AtMost, metric.IsSet, metric.IsNotSet,
		}).Draw(t, "operator"),
	}
	text := rapid.SampledFrom([]any{"EU", "e", "e'\"\\u", ".b*", "GRÖSS", "größe", "", "7", "Opened", "P", "web", "a1", "gold", "iOS", "$", "%"})
	number := rapid.SampledFrom([]any{json.Number("7"), json.Number("7.0"), json.Number("-3"), json.Number("2.5"), json.Number("1e15"), json.Number("1")})
	switch c.Operator {
	case metric.IsSet, metric.IsNotSet:
	case metric.Contains, metric.StartsWith:
		c.Values = []any{text.Draw(t, "text")}
	case metric.Equals, metric.NotEquals:
		one := rapid.OneOf(text, text, number, rapid.SampledFrom([]any{true, false}))
		c.Values = rapid.SliceOfN(one, 1, 3).Draw(t, "values")
	default:
		c.Values = []any{rapid.OneOf(text, number).Draw(t, "bound")}
	}
	return metric.Filter{Is: c}
}

func drawFilter(t *rapid.T, depth int) metric.Filter {
	shape := 0
	if depth > 0 {
		shape = rapid.IntRange(0, 5).Draw(t, "shape")
	}
	list := func() []metric.Filter {
		parts := make([]metric.Filter, rapid.IntRange(1, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = drawFilter(t, depth-1)
		}
		return parts
	}
	switch shape {
	case 3:
		return metric.Filter{And: list()}
	case 4:
		return metric.Filter{Or: list()}
	case 5:
		part := drawFilter(t, depth-1)
		return metric.Filter{Not: &part}
	}
	return drawCondition(t)
}

func drawMaybe(t *rapid.T) *metric.Filter {
	if rapid.IntRange(0, 2).Draw(t, "filtered") == 0 {
		return nil
	}
	f := drawFilter(t, 3)
	return &f
}

// asked is a question, and how to recount it.
type asked struct {
	metric.Question
	measure metric.Measure
	first   bool // new users, and no measure
}

func drawAsked(t *rapid.T, s stretch) asked {
	a := asked{Question: metric.Question{Ask: drawAsk(t, s)}}
	a.Filter = drawMaybe(t)
	if a.first = rapid.IntRange(0, 5).Draw(t, "new users") == 0; a.first {
		a.Of = metric.Builtin()[2]
	} else {
		a.measure = drawMeasure(t)
		r := a.measure.Reader()
		a.Of = &metric.Definition{Key: "m", Permission: access.ReadMetrics, Needs: []metric.Column{{Reader: r, Name: "value"}}, Entities: a.measure.Entities(r)}
	}
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		a.Series = true
	case 1:
		a.Interval = ""
	default:
		a.By = rapid.SliceOfNDistinct(dimensions, 1, 3, rapid.ID[metric.Dimension]).Draw(t, "by")
		a.Top = rapid.IntRange(1, 4).Draw(t, "top")
		if rapid.Bool().Draw(t, "whole") {
			a.Interval = ""
		}
	}
	return a
}

func drawMeasure(t *rapid.T) metric.Measure {
	m := metric.Measure{Aggregation: rapid.SampledFrom([]metric.Aggregation{
		metric.Count, metric.Count, metric.UniqueUsers, metric.UniqueUsers, metric.UniqueAccounts,
		metric.Sum, metric.Average, metric.Minimum, metric.Maximum, metric.Percentile,
	}).Draw(t, "aggregation")}
	switch m.Aggregation {
	case metric.Count, metric.UniqueUsers, metric.UniqueAccounts:
	case metric.Percentile:
		m.Percentile = rapid.SampledFrom([]float64{0.25, 0.5, 0.9}).Draw(t, "percentile")
		fallthrough
	default:
		m.Property = rapid.SampledFrom([]string{"n", "region", "plan.tier"}).Draw(t, "property")
	}
	m.Types = rapid.SampledFrom([][]string{nil, nil, {"Opened"}, {"Paid", "Shared", event.Identify}}).Draw(t, "types")
	if rapid.IntRange(0, 3).Draw(t, "own filter") == 0 {
		m.Filter = drawMaybe(t)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
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

func (a asked) describe() string {
	filter, _ := json.Marshal(a.Filter)
	of, _ := json.Marshal(a.measure)
	return fmt.Sprintf("measure %s (new users %t) of %v to %v, zone %q, by %v, filter %s, as of %v", of, a.first, a.From, a.To, a.Zone, a.By, filter, a.AsOf)
}

// narrow lets a caller see some events, people and accounts, and tells the same to the model.
func narrow(t *rapid.T, m *model) *access.Rows {
	var c access.Conditions
	regions := rapid.SliceOfN(rapid.SampledFrom([]any{"EU", "eu", "7", json.Number("7"), true}), 1, 3).Draw(t, "seen regions")
	c.Events = []access.Condition{{Property: []string{"region"}, In: regions}}
	in := func(v any) func(any) bool { return func(r any) bool { return order(v, r) == "=" } }
	m.see = func(f fact) bool { return slices.ContainsFunc(regions, in(f.properties["region"])) }
	m.people = func(map[string]any) bool { return false }
	m.groups = func(string, map[string]any) bool { return false }
	if rapid.Bool().Draw(t, "sees people") {
		c.People = []access.Condition{{Trait: "tier", In: []any{"gold", json.Number("1")}}}
		m.people = func(traits map[string]any) bool {
			return order(traits["tier"], "gold") == "=" || order(traits["tier"], 1) == "="
		}
	}
	if rapid.Bool().Draw(t, "sees accounts") {
		c.Accounts = []access.Condition{{Group: "account", In: []any{"a1"}}}
		m.groups = func(name string, _ map[string]any) bool { return name == "a1" }
	}
	rows, err := access.NewRows(c)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// checker holds an answer against the recount.
type checker struct {
	asked
	list []told
	t    *rapid.T
}

// recount gives the figure of some of what is told.
func (c checker) recount(list []told, from, to time.Time) (float64, bool) {
	if c.first {
		n := 0
		for _, f := range list { // these are first events already
			if !f.at.Before(from) && f.at.Before(to) {
				n++
			}
		}
		return float64(n), n > 0
	}
	return figure(c.measure, list, from, to)
}

// passing are the events that count: those that pass, or the first of everybody's.
func (c checker) passing() []told {
	if c.first {
		return firsts(c.list, c.Filter)
	}
	return slices.DeleteFunc(slices.Clone(c.list), func(t told) bool { return t.holds(c.Filter) <= 0 })
}

func (c checker) value(v metric.Value) {
	c.equal("value", v.Value, c.passing(), *c.From, *c.To)
	if !v.Exact {
		c.t.Errorf("not exact: %s", c.describe())
	}
}

func (c checker) series(s metric.Series) {
	for i, start := range s.At {
		c.bucket("series", s.Values[i], c.passing(), s.At, i, start)
	}
}

func (c checker) bucket(what string, got *float64, list []told, at []time.Time, i int, start time.Time) {
	end := *c.To
	if i+1 < len(at) {
		end = at[i+1]
	}
	c.equal(fmt.Sprintf("%s[%d]", what, i), got, list, later(start, *c.From), end)
}

// equal compares a figure; one that should not be there is null for what has no 0.
func (c checker) equal(what string, got *float64, list []told, from, to time.Time) {
	c.t.Helper()
	want, some := c.recount(list, from, to)
	nullable := slices.Contains([]metric.Aggregation{metric.Average, metric.Minimum, metric.Maximum, metric.Percentile}, c.measure.Aggregation)
	if !some && nullable {
		if got != nil {
			c.t.Errorf("%s is %v, want none: %s", what, *got, c.describe())
		}
		return
	}
	if got == nil || math.Abs(*got-want) > 1e-9*math.Abs(want) {
		shown := "null"
		if got != nil {
			shown = fmt.Sprint(*got)
		}
		c.t.Errorf("%s is %s, want %v: %s", what, shown, want, c.describe())
	}
}

// rank lists the groups of a range, the largest first, as the keys are written.
func (c checker) rank() (groups map[string][]told, order []string) {
	all, size := map[string][]told{}, map[string]float64{}
	for _, t := range c.passing() {
		key := ""
		for _, d := range c.By {
			key += wordOf(t.key(d))
		}
		all[key] = append(all[key], t)
	}
	for key, list := range all {
		if n, some := c.recount(list, *c.From, *c.To); some {
			size[key], order = n, append(order, key)
		}
	}
	slices.SortFunc(order, func(a, b string) int {
		switch {
		case size[a] > size[b]:
			return -1
		case size[a] < size[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	return all, order
}

func wordOf(key *string) string {
	if key == nil {
		return "-\x00"
	}
	return "=" + *key + "\x00"
}

func (c checker) breakdown(b metric.Breakdown) {
	groups, order := c.rank()
	if b.Groups != len(order) || len(b.Rows) != min(c.Top, len(order)) {
		c.t.Errorf("%d groups and %d rows, want %d: %s", b.Groups, len(b.Rows), len(order), c.describe())
		return
	}
	var rest []told
	for key, list := range groups {
		if !slices.Contains(order[:len(b.Rows)], key) {
			rest = append(rest, list...)
		}
	}
	for i, row := range b.Rows {
		key := ""
		for _, k := range row.Keys {
			key += wordOf(k)
		}
		if key != order[i] {
			c.t.Errorf("row %d is %q, want %q: %s", i, key, order[i], c.describe())
			return
		}
		c.row(fmt.Sprintf("row %q", key), row, b, groups[key])
	}
	if (b.Rest != nil) != (len(order) > len(b.Rows)) {
		c.t.Errorf("a rest: %t, of %d groups: %s", b.Rest != nil, len(order), c.describe())
		return
	}
	if b.Rest != nil {
		c.row("rest", *b.Rest, b, rest)
	}
	c.row("total", b.Total, b, c.passing())
}

func (c checker) row(what string, row metric.Row, b metric.Breakdown, list []told) {
	c.equal(what, row.Value, list, *c.From, *c.To)
	if len(row.Values) != len(b.At) {
		c.t.Errorf("%s has %d figures of %d: %s", what, len(row.Values), len(b.At), c.describe())
		return
	}
	for i, start := range b.At {
		c.bucket(what, row.Values[i], list, b.At, i, start)
	}
}
