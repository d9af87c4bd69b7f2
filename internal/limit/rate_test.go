package limit

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Wednesday noon in Berlin.
var workday = time.Date(2026, 5, 13, 10, 0, 0, 0, time.UTC)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestNightsAndWeekendsAreTheTenants(t *testing.T) {
	berlin, auckland := zone(t, "Europe/Berlin"), zone(t, "Pacific/Auckland")
	for _, c := range []struct {
		at   string
		zone *time.Location
		want bool
	}{
		{"2026-05-13T12:00:00+02:00", berlin, false},
		{"2026-05-13T05:59:59+02:00", berlin, true},
		{"2026-05-13T06:00:00+02:00", berlin, false},
		{"2026-05-13T19:59:59+02:00", berlin, false},
		{"2026-05-13T20:00:00+02:00", berlin, true},
		{"2026-05-15T23:59:59+02:00", berlin, true},  // Friday night
		{"2026-05-16T12:00:00+02:00", berlin, true},  // Saturday
		{"2026-05-17T23:59:59+02:00", berlin, true},  // Sunday
		{"2026-05-18T06:00:00+02:00", berlin, false}, // Monday
		{"2026-05-13T10:00:00Z", auckland, true},     // their evening
		{"2026-05-17T20:00:00Z", auckland, false},    // their Monday
		{"2026-05-13T19:30:00Z", nil, false},
		{"2026-05-13T20:00:00Z", nil, true},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := isOffPeak(at, c.zone); got != c.want {
			t.Errorf("%s in %v: %v, want %v", c.at, c.zone, got, c.want)
		}
	}
}

func TestBudgets(t *testing.T) {
	rates := Rates{Read: 60_000, Write: 6_000, BurstSeconds: 30, OffPeak: 200, CallerPercent: 50}
	night := workday.Add(12 * time.Hour)
	for _, c := range []struct {
		name  string
		tier  Tier
		kind  Kind
		at    time.Time
		rates func(*Rates)
		want  string
	}{
		{"a key that reads", ReadKey, Read, workday, nil, "caller-read 30000/15000, tenant-read 60000/30000"},
		{"an owner that writes", Owner, Write, workday, nil, "caller-write 3000/1500, tenant-write 6000/3000"},
		{"at night", ReadKey, Read, night, nil, "caller-read 60000/30000, tenant-read 120000/60000"},
		{"a viewer", Viewer, Read, workday, nil, "caller-read 15000/7500, tenant-read 60000/30000"},
		{"a role of the tenant's", Custom, Read, workday, nil, "caller-read 15000/7500, tenant-read 60000/30000"},
		{"an embedded dashboard", Embed, Read, workday, nil, "caller-read 6000/3000, tenant-read 60000/30000"},
		{"a tier nobody knows", "NEW", Read, workday, nil, "caller-read 1500/750, tenant-read 60000/30000"},
		{"a caller who may take all", ReadKey, Read, workday, func(r *Rates) { r.CallerPercent = 100 }, "caller-read 60000/30000, tenant-read 60000/30000"},
		{"a burst of a minute", ReadKey, Write, workday, func(r *Rates) { r.BurstSeconds = 60 }, "caller-write 3000/3000, tenant-write 6000/6000"},
		{"hardly anything", Embed, Write, workday, func(r *Rates) { r.Write = 1 }, "caller-write 1/1, tenant-write 1/1"},
		{"no limit of reads", ReadKey, Read, workday, func(r *Rates) { r.Read = 0 }, ""},
		{"no limit of reads, a write", ReadKey, Write, workday, func(r *Rates) { r.Read = 0 }, "caller-write 3000/1500, tenant-write 6000/3000"},
	} {
		changed := rates
		if c.rates != nil {
			c.rates(&changed)
		}
		got := ""
		for _, b := range budgetsOf(Caller{Tenant: "acme", ID: "k", Tier: c.tier}, changed, c.kind, c.at) {
			if got != "" {
				got += ", "
			}
			got += fmt.Sprintf("%s %d/%d", b.Policy, b.PerMinute, b.Burst)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := budgetsOf(Caller{ID: "192.0.2.1", Tier: Anonymous}, rates, Write, workday); len(got) != 1 || got[0].PerMinute != 150 {
		t.Errorf("somebody who signs in: %+v, want a budget of their own and no tenant's", got)
	}
}

// Callers and tenants do not share by accident.
func TestBudgetsAreApart(t *testing.T) {
	rates := Rates{Read: 10, Write: 10, BurstSeconds: 60, OffPeak: 100, CallerPercent: 100}
	keys := map[string]string{}
	for _, tenant := range []string{"acme", "globex"} {
		for _, kind := range []Kind{Read, Write} {
			for _, id := range []string{"k1", "k2"} {
				for _, b := range budgetsOf(Caller{Tenant: tenant, ID: id, Tier: ReadKey}, rates, kind, workday) {
					who := tenant + " " + string(kind)
					if b.Policy == "caller-"+string(kind) {
						who += " " + id
					}
					if other, taken := keys[b.key]; taken && other != who {
						t.Errorf("%s and %s share %s", who, other, b.key)
					}
					keys[b.key] = who
				}
			}
		}
	}
	if len(keys) != 2*2*3 {
		t.Errorf("%d buckets, want 12", len(keys))
	}
}

// Both kinds of buckets do the same: what was spent comes back with time.
func TestBucketsFillAgain(t *testing.T) {
	now := workday
	own := newLocal(func() time.Time { return now })
	b := Budget{key: "k", PerMinute: 60, Burst: 10}
	for _, step := range []struct {
		after time.Duration
		cost  int
		want  level
	}{
		{0, 4, level{true, 6, 0, 4 * time.Second}},
		{0, 6, level{true, 0, 0, 10 * time.Second}},
		{0, 1, level{false, 0, time.Second, 10 * time.Second}},
		{3 * time.Second, 5, level{false, 0, 2 * time.Second, 7 * time.Second}},
		{0, 3, level{true, 0, 0, 10 * time.Second}},
		{time.Hour, 10, level{true, 0, 0, 10 * time.Second}},
		{0, 11, level{false, 0, 11 * time.Second, 10 * time.Second}},
	} {
		now = now.Add(step.after)
		if got, err := own.take(t.Context(), b, step.cost); got != step.want || err != nil {
			t.Errorf("%d after %v: %+v %v, want %+v", step.cost, step.after, got, err, step.want)
		}
	}
}

func TestSharedBucketsAgreeWithLocalOnes(t *testing.T) {
	ctx := context.Background()
	name := t.Name() + fmt.Sprint(time.Now().UnixNano())
	in := newShared(redisOf(t), name)
	own := newLocal(time.Now)
	b := Budget{key: "k", PerMinute: 60, Burst: 1_000}
	for _, cost := range []int{1, 400, 500, 200, 99, 98, 1_001} {
		got, err := in.take(ctx, b, cost)
		want, _ := own.take(ctx, b, cost)
		near := func(a, b time.Duration) bool { return (a - b).Abs() < 2*time.Second }
		if err != nil || got.taken != want.taken || got.remaining-want.remaining > 1 || want.remaining-got.remaining > 1 ||
			!near(got.reset, want.reset) || !near(got.retry, want.retry) {
			t.Errorf("%d: %+v %v in Redis, %+v in the process", cost, got, err, want)
		}
	}
}

func TestLocalBucketsAreBounded(t *testing.T) {
	now := workday
	own := newLocal(func() time.Time { return now })
	for i := range 2 * maxLocal {
		if _, err := own.take(t.Context(), Budget{key: fmt.Sprint(i), PerMinute: 60, Burst: 10}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(own.fullAt) > maxLocal {
		t.Errorf("%d buckets are kept, want at most %d", len(own.fullAt), maxLocal)
	}
	now = now.Add(time.Minute)
	for i := range maxLocal {
		_, _ = own.take(t.Context(), Budget{key: fmt.Sprint("later ", i), PerMinute: 60, Burst: 10}, 1)
	}
	if len(own.fullAt) > maxLocal {
		t.Errorf("%d buckets are kept, want at most %d", len(own.fullAt), maxLocal)
	}
}
