package metric_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

var discard = slog.New(slog.DiscardHandler)

// world is a database with the services on it, and no HTTP.
type world struct {
	*testkit.House
	writer  *event.Writer
	metrics *metric.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	h := testkit.NewHouse(t)
	writer := event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, writer.Run)
	return &world{h, writer, metric.NewService(h.App, metric.NewCatalog(metric.Builtin()))}
}

// stretch is a week of a tenant's zone in which its clocks change, or might.
type stretch struct {
	zone  string
	start time.Time
}

var stretches = []stretch{
	{"UTC", time.Date(2026, 2, 26, 0, 0, 0, 0, time.UTC)},
	{"Asia/Kolkata", time.Date(2026, 2, 26, 0, 0, 0, 0, time.UTC)},
	{"America/New_York", time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)},   // spring forward on the 8th
	{"America/New_York", time.Date(2025, 10, 30, 0, 0, 0, 0, time.UTC)}, // fall back on 2 November
	{"Africa/Cairo", time.Date(2026, 4, 21, 0, 0, 0, 0, time.UTC)},      // no midnight on the 24th
	{"Africa/Cairo", time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)},     // midnight of the 31st comes late
	{"Australia/Lord_Howe", time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)},
}

var askedZones = []string{"", "UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"}

const span = 8 * 24 * time.Hour

// happened is one event of a history.
type happened struct {
	id, kind               string
	user, device, previous string
	at                     time.Time

	region any // a property; nil: none
	group  string
}

// isActivity is false for what says something and is nothing that somebody did.
func (e happened) isActivity() bool { return e.kind[0] != '$' }

func (e happened) properties(t *rapid.T) []byte {
	properties := map[string]any{}
	if e.region != nil {
		properties["region"] = e.region
	}
	text, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func drawHistory(t *rapid.T, s stretch) []happened {
	n := rapid.IntRange(1, 60).Draw(t, "events")
	events := make([]happened, n)
	for i := range events {
		seconds := rapid.IntRange(0, int(span/time.Second)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "on the hour") { // edges are where mistakes are
			seconds -= seconds % 3600
		}
		e := happened{
			id:     fmt.Sprintf("m%d", i),
			kind:   rapid.SampledFrom([]string{"Opened", "Shared", "Paid", "Opened", "Shared", event.Identify, event.Alias}).Draw(t, "type"),
			user:   rapid.SampledFrom([]string{"ann", "ben", "cem", "dua", "eve", ""}).Draw(t, "user"),
			device: rapid.SampledFrom([]string{"", "", "phone", "tablet", "laptop", "undefined"}).Draw(t, "device"),
			at:     s.start.Add(time.Duration(seconds) * time.Second),
			region: rapid.SampledFrom([]any{"EU", "EU", "US", "e'\"\\u", 7, true, nil, []string{"EU"}}).Draw(t, "region"),
			group:  rapid.SampledFrom([]string{"", "", "a1", "a2"}).Draw(t, "group"),
		}
		if e.kind == event.Alias {
			e.user = cmp.Or(e.user, "ann")
			e.previous = rapid.SampledFrom([]string{"phone", "tablet", "0"}).Draw(t, "previous")
		}
		events[i] = e
	}
	return events
}

func (w *world) append(t *rapid.T, id tenant.ID, events []happened) {
	items := make([]event.Item, len(events))
	for i, e := range events {
		items[i].Incoming = event.Incoming{
			MessageID: e.id, Type: e.kind, UserID: e.user, AnonymousID: e.device, PreviousID: e.previous, Timestamp: e.at,
			Properties: e.properties(t), GroupID: e.group,
		}
		if e.user == "" && e.device == "" {
			items[i].AnonymousID = "null" // stands for nobody
		}
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	verdicts, err := w.writer.Append(context.Background(), id, "default", items)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted && v.Status != event.Duplicate {
			t.Fatalf("verdict %+v", v)
		}
	}
}

// TestEveryPathEqualsARecount feeds shuffled, repeated and late events, materializes in
// between, and asks for any metric, range, zone and interval. The answers must be what a
// plain count of the events gives.
func TestEveryPathEqualsARecount(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(stretches).Draw(t, "stretch")
		id := w.Tenant(t, s.zone)
		all := drawHistory(t, s)
		shuffled := slices.Clone(all)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cut := rapid.IntRange(0, len(shuffled)).Draw(t, "late from")

		w.append(t, id, shuffled[:cut])
		if rapid.Bool().Draw(t, "materialize") {
			w.close(t)
		}
		w.compare(t, id, s, shuffled[:cut])
		w.append(t, id, append(shuffled[cut:], shuffled[:cut/2]...)) // late ones, and repeats
		w.compare(t, id, s, all)
	})
}

func (w *world) close(t *rapid.T) {
	// A fresh one, since a closer rests after each refresh.
	if err := metric.NewCloser(w.Worker, discard).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) compare(t *rapid.T, id tenant.ID, s stretch, events []happened) {
	ask, who := drawAsk(t, s), access.Principal{Tenant: id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}
	w.compareAs(t, who, ask, history{events, owners(events)})
	var see func(happened) bool
	who.Rows, see = drawRows(t)
	w.compareAs(t, who, ask, history{slices.DeleteFunc(slices.Clone(events), func(e happened) bool { return !see(e) }), owners(events)})
}

// recounted are the metrics that recount knows.
var recounted = []string{"events", "active_users", "new_users", "sessions"}

// history is what somebody sees of what happened, and whose each device is by all of it.
type history struct {
	events []happened
	owner  map[string]string
}

// compareAs asks as one caller, and holds the answers against what they see.
func (w *world) compareAs(t *rapid.T, who access.Principal, ask metric.Ask, seen history) {
	ctx := access.With(context.Background(), who)
	for _, d := range metric.Builtin() {
		if !slices.Contains(recounted, d.Key) {
			continue // in users_test.go
		}
		series, err := w.metrics.Series(ctx, d, ask)
		if err != nil {
			t.Fatalf("%s %+v: %v", d.Key, ask, err)
		}
		value, err := w.metrics.Value(ctx, d, ask)
		if err != nil {
			t.Fatal(err)
		}
		if !series.Exact || !value.Exact {
			t.Errorf("%s is not exact, and nothing is archived", d.Key)
		}
		if want := seen.recount(d.Key, *ask.From, *ask.To); *value.Value != want {
			t.Errorf("%s of %v to %v: %v, want %v", d.Key, ask.From, ask.To, *value.Value, want)
		}
		w.compareSeries(t, d, ask, series, seen)
	}
	w.compareTypes(t, ctx, ask, seen.events)
}

func (w *world) compareSeries(t *rapid.T, d *metric.Definition, ask metric.Ask, series metric.Series, seen history) {
	total := 0.0
	for i, start := range series.At {
		end := *ask.To
		if i+1 < len(series.At) {
			end = series.At[i+1]
		}
		start = later(start, *ask.From)
		if want := seen.recount(d.Key, start, end); *series.Values[i] != want {
			t.Errorf("%s by %s in %q, bucket %v to %v: %v, want %v", d.Key, ask.Interval, ask.Zone, start, end, *series.Values[i], want)
		}
		total += *series.Values[i]
	}
	if want := seen.recount(d.Key, *ask.From, *ask.To); d.Additive && total != want {
		t.Errorf("%s by %s: buckets add up to %v, want %v", d.Key, ask.Interval, total, want)
	}
}

// compareTypes checks the counts that know types.
func (w *world) compareTypes(t *rapid.T, ctx context.Context, ask metric.Ask, events []happened) {
	only := []string{"Paid", "Opened"}
	count, err := w.metrics.EventCount(ctx, metric.EventQuery{Ask: ask, Types: only})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, e := range events {
		if !e.at.Before(*ask.From) && e.at.Before(*ask.To) {
			want[e.kind]++
		}
	}
	if count != want["Paid"]+want["Opened"] {
		t.Errorf("events of %v: %d, want %d", only, count, want["Paid"]+want["Opened"])
	}
	types, err := w.metrics.EventTypes(ctx, metric.EventQuery{Ask: ask}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if types.TotalCount != len(want) || len(types.Types) != len(want) {
		t.Errorf("types %+v, want %v", types, want)
	}
	for i, name := range types.Types {
		if types.Counts[i] != want[name] {
			t.Errorf("events of type %s: %d, want %d", name, types.Counts[i], want[name])
		}
	}
}

// drawAsk asks for the tenant's own days a third of the time, which is what is
// materialized; else for a range on quarter hours, or anywhere.
func drawAsk(t *rapid.T, s stretch) metric.Ask {
	if rapid.IntRange(0, 2).Draw(t, "shape") == 0 {
		from, to := s.start.Add(-24*time.Hour), s.start.Add(span)
		return metric.Ask{From: &from, To: &to, Interval: calendar.Day}
	}
	draw := func(name string) time.Time {
		at := s.start.Add(time.Duration(rapid.IntRange(-3600, int(span/time.Second)+3600).Draw(t, name)) * time.Second)
		if rapid.Bool().Draw(t, name+" on a slot") {
			return calendar.FloorSlot(at)
		}
		return at
	}
	from, to := draw("from"), draw("to")
	if to.Before(from) {
		from, to = to, from
	}
	if from.Equal(to) {
		to = to.Add(time.Second)
	}
	return metric.Ask{
		From: &from, To: &to, Zone: rapid.SampledFrom(askedZones).Draw(t, "zone"),
		Interval: rapid.SampledFrom([]calendar.Interval{calendar.Hour, calendar.Day, calendar.Day, calendar.Week, calendar.Month}).Draw(t, "interval"),
	}
}

// owners tells whose each device is: the user's of the earliest event that names both; of
// equally early ones, that of the least message key.
func owners(events []happened) map[string]string {
	key := func(e happened) string {
		sum := sha256.Sum256([]byte("default\x00" + e.id))
		return string(sum[:16])
	}
	byTime := slices.SortedFunc(slices.Values(events), func(a, b happened) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(key(a), key(b)))
	})
	owner := map[string]string{}
	for _, e := range byTime {
		for _, device := range []string{e.device, e.previous} {
			if _, owned := owner[device]; !owned && e.user != "" {
				owner[device] = e.user
			}
		}
	}
	return owner
}

// doer names the person who did an event; nobody is "".
func doer(e happened, owner map[string]string) string {
	switch {
	case e.user != "":
		return e.user
	case e.device == "" || e.device == "undefined":
		return ""
	case owner[e.device] != "":
		return owner[e.device]
	}
	return "device " + e.device
}

// recount is the plain count of the events.
func (h history) recount(key string, from, to time.Time) float64 {
	n, users := 0, map[string]bool{}
	first := map[string]time.Time{}
	for _, e := range h.events {
		inRange := !e.at.Before(from) && e.at.Before(to)
		if inRange {
			n++
		}
		if !e.isActivity() {
			continue
		}
		who := doer(e, h.owner)
		if at, known := first[who]; !known || e.at.Before(at) {
			first[who] = e.at
		}
		if inRange {
			users[who] = true
		}
	}
	delete(users, "")
	delete(first, "")
	switch key {
	case "events":
		return float64(n)
	case "active_users":
		return float64(len(users))
	case "sessions":
		return float64(h.sessions(from, to))
	}
	fresh := 0
	for _, at := range first {
		if !at.Before(from) && at.Before(to) {
			fresh++
		}
	}
	return float64(fresh)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
