package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var november = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// digest is a fingerprint of everything that a plan yields for a company.
func digest(p Plan, c Company) string {
	h := sha256.New()
	for e := range p.Generate(c) {
		fmt.Fprintf(h, "%s|%s|%s|%s|%d|%s|%s\n", e.MessageID, e.Type, e.UserID, e.AnonymousID,
			e.At.UnixNano(), e.Properties, e.Context)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// A change of these is a change of everybody's demo: make it on purpose.
func TestGolden(t *testing.T) {
	plan := Plan{Seed: 1, Events: 5_000, Until: november}
	golden := map[string]string{"nw": "50e0403052795da8", "gx": "ba6812a7ab0a698f"}
	for _, c := range Companies() {
		if got := digest(plan, c); got != golden[c.Key] {
			t.Errorf("%s: digest %s, want %s", c.Name, got, golden[c.Key])
		}
	}
}

func TestSamePlanSameEvents(t *testing.T) {
	plan := Plan{Seed: 7, Events: 30_000, Until: november}
	acme, other := Companies()[0], Companies()[1]
	if digest(plan, acme) != digest(plan, acme) { //nolint:staticcheck // generated twice, to be compared
		t.Error("the same plan gave different events")
	}
	if digest(plan, acme) == digest(plan, other) {
		t.Error("two companies have the same events")
	}
	reseeded := plan
	reseeded.Seed++
	if digest(plan, acme) == digest(reseeded, acme) {
		t.Error("two seeds gave the same events")
	}
}

// Any plan, however odd, keeps the package's promises.
func TestPromises(t *testing.T) {
	plans := []Plan{
		{Events: 0, Until: november},
		{Events: 1, Until: november},
		{Seed: 3, Events: 7, Until: november},
		{Seed: 4, Events: 1_000, Until: november},
		{Seed: 5, Events: 1_003, Until: november.Add(-123*time.Minute - 4567*time.Microsecond)},
		{Seed: 6, Events: 20_000, Days: 1, Until: november},
		{Seed: 7, Events: 20_000, Days: 30, Until: time.Date(2025, 3, 30, 1, 30, 0, 0, time.UTC)},
		{Seed: 8, Events: 40_000, Days: 90, Until: time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)},
		{Seed: 9, Events: 60_000, Days: 800, Until: november},
		{Seed: 10, Events: 100_001, Until: november.Add(13 * time.Hour)},
	}
	for _, plan := range plans {
		t.Run(fmt.Sprintf("%d events in %d days", plan.Events, plan.Days), func(t *testing.T) {
			ids, total := map[string]bool{}, 0
			for _, c := range Companies() {
				total += keepsPromises(t, plan, c, ids)
			}
			if total != plan.Events || len(ids) != plan.Events {
				t.Errorf("%d events with %d ids, want %d", total, len(ids), plan.Events)
			}
		})
	}
}

func keepsPromises(t *testing.T, plan Plan, c Company, ids map[string]bool) int {
	t.Helper()
	until := plan.Until.Truncate(time.Millisecond)
	from, last, count := until.AddDate(0, 0, -plan.length()), time.Time{}, 0
	types := c.Types()
	for e := range plan.Generate(c) {
		count++
		ids[e.MessageID] = true
		switch {
		case e.At.Before(last) || e.At.Before(from) || !e.At.Before(until) || e.At.Location() != time.UTC:
			t.Fatalf("event at %s, after %s, in [%s, %s)", e.At, last, from, until)
		case !isObject(e.Properties) || !isObject(e.Context):
			t.Fatalf("not an object: %s or %s", e.Properties, e.Context)
		case !slices.Contains(types, e.Type) || e.AnonymousID == "" || len(e.MessageID) > 24:
			t.Fatalf("odd event %+v", e)
		case len(e.Properties)+len(e.Context) > eventSize/2:
			t.Fatalf("large event: %s, %s", e.Properties, e.Context)
		}
		last = e.At
	}
	if count != plan.Count(c) {
		t.Errorf("%s: %d events, want %d", c.Name, count, plan.Count(c))
	}
	return count
}

func isObject(raw json.RawMessage) bool {
	return len(raw) > 2 && raw[0] == '{' && json.Valid(raw)
}

func TestEventsMayBeKept(t *testing.T) {
	plan := Plan{Seed: 2, Events: 20_000, Until: november}
	var kept []Event
	var copies []string
	for e := range plan.Generate(Companies()[0]) {
		kept = append(kept, e)
		copies = append(copies, string(e.Properties)+string(e.Context))
		_ = append(e.Properties, "scribble"...) // has no room to do harm
	}
	for i, e := range kept {
		if string(e.Properties)+string(e.Context) != copies[i] {
			t.Fatalf("event %d changed after it was given", i)
		}
	}
}

func TestStopsWhenAsked(t *testing.T) {
	seen := 0
	for range (Plan{Events: 100_000, Until: november}).Generate(Companies()[0]) {
		if seen++; seen == 10 {
			break
		}
	}
}

func TestStrangersHaveNothing(t *testing.T) {
	stranger, plan := Company{Key: "initech"}, Plan{Events: 1_000, Until: november}
	for e := range plan.Generate(stranger) {
		t.Fatalf("an event: %+v", e)
	}
	if plan.Count(stranger) != 0 || plan.Stories(stranger) != nil || stranger.Types() != nil || plan.Live(stranger, 1) != nil {
		t.Error("a company that is none of ours has something")
	}
}

// A larger plan has the same people, and more.
func TestPeopleStay(t *testing.T) {
	c := Companies()[1]
	small := newWorld(Plan{Seed: 1, Events: 1_000, Until: november}, c)
	large := newWorld(Plan{Seed: 1, Events: 1_000_000, Until: november}, c)
	for i := range 100 {
		if small.user(i) != large.user(i) {
			t.Fatalf("person %d differs", i)
		}
	}
}

func TestTwelveToTwentyTypes(t *testing.T) {
	for _, c := range Companies() {
		types := c.Types()
		if len(types) < 12 || len(types) > 20 || types[0] != pageView {
			t.Errorf("%s has the types %s", c.Name, strings.Join(types, ", "))
		}
	}
}

func TestScale(t *testing.T) {
	began, n := time.Now(), 0
	for _, c := range Companies() {
		for range (Plan{Seed: 1, Events: 200_000, Until: november}).Generate(c) {
			n++
		}
	}
	if took := time.Since(began); n != 200_000 || took > 2*time.Second {
		t.Errorf("%d events took %s", n, took)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, c := range Companies() {
		b.Run(c.Key, func(b *testing.B) {
			b.ReportAllocs()
			plan := Plan{Seed: 1, Events: 1_000_000, Until: november}
			n := 0
			for b.Loop() {
				for range plan.Generate(c) {
					n++
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
