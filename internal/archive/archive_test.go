package archive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func TestWhatIsPastTheRetentionMoves(t *testing.T) {
	h := newHouse(t)
	acme, globex, forever := h.tenant(t, 1), h.tenant(t, 3), h.tenant(t, 0)
	for ago := range 5 {
		for _, id := range []tenant.ID{acme, globex, forever} {
			h.happened(t, id, h.month(t, ago), 20)
		}
	}
	before := h.events(t, acme)
	if err := h.archive(t).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The running month and so many whole months before it stay.
	if got := []int{len(h.events(t, acme)), len(h.events(t, globex)), len(h.events(t, forever))}; !cmp.Equal(got, []int{40, 80, 100}) {
		t.Errorf("%v events are left, want 40, 80, 100", got)
	}
	parts := h.parts(t, acme)
	if len(parts) != 9 { // of 7, 7 and 6 events in each of three months
		t.Fatalf("%d parts", len(parts))
	}
	p := parts[0]
	if want := fmt.Sprintf("tenant=%s/month=%s/part-", acme, h.month(t, 4).Format("2006-01")); !strings.HasPrefix(p.Path, want) || p.Events != 7 {
		t.Errorf("the first part is %+v", p)
	}
	if !p.FirstAt.Equal(h.month(t, 4).Add(time.Hour)) || !p.LastAt.Equal(h.month(t, 4).Add(7*time.Hour)) {
		t.Errorf("it has events from %v to %v", p.FirstAt, p.LastAt)
	}
	if err := h.archive(t).Keep(t.Context()); err != nil { // nothing is left to do
		t.Fatal(err)
	}
	if again := h.parts(t, acme); !cmp.Equal(again, parts) {
		t.Errorf("a second run changed parts:\n%s", cmp.Diff(parts, again))
	}
	h.wantWhole(t, acme, before)
}

// Months are kept whole, and at least one before the running one, in leap years and at the
// ends of years.
func TestKeptFrom(t *testing.T) {
	for _, c := range []struct {
		now       string
		retention int
		want      string
	}{
		{"2026-07-15T12:00:00Z", 1, "2026-06-01"},
		{"2026-07-01T00:00:00Z", 1, "2026-06-01"},
		{"2026-06-30T23:59:59Z", 1, "2026-05-01"},
		{"2026-03-31T12:00:00Z", 1, "2026-02-01"},
		{"2026-01-31T12:00:00Z", 2, "2025-11-01"},
		{"2024-02-29T12:00:00Z", 12, "2023-02-01"},
		{"2026-07-15T12:00:00Z", 0, "2026-06-01"},
		{"2026-07-15T12:00:00Z", -5, "2026-06-01"},
		{"2026-07-15T12:00:00+14:00", 1, "2026-06-01"},
		{"2026-07-01T05:00:00+14:00", 1, "2026-05-01"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		kept := archive.KeptFrom(now, c.retention)
		if kept.String() != c.want {
			t.Errorf("%s, %d months: kept from %s, want %s", c.now, c.retention, kept, c.want)
		}
		if first, err := time.Parse(time.DateOnly, kept.String()); err != nil || now.Sub(first) < event.RememberFor {
			t.Errorf("%s: what senders may repeat is not kept", c.now)
		}
	}
}

// Without an archive nothing is dropped, and an erasure has nothing to wait for.
func TestWithoutAStore(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 7)
	h.erasure(t, acme, 9)
	a := archive.New(h.Worker, nil, nil, archive.Options{})
	if err := a.Run(t.Context(), h.tenantRow(t, acme), func(int) {}); err == nil || len(h.events(t, acme)) != 7 {
		t.Errorf("run: %v, %d events", err, len(h.events(t, acme)))
	}
	if n := h.Number(t, "select count(*) from erasure where archive_done_at is null"); n != 0 {
		t.Error("the erasure is pending")
	}
	if err := a.Run(t.Context(), h.tenantRow(t, h.tenant(t, 1)), func(int) {}); err != nil {
		t.Errorf("a tenant without events: %v", err)
	}
}

func TestPlan(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 7)
	h.happened(t, acme, h.month(t, 1), 7)
	plan, err := h.archive(t).Plan(t.Context(), h.tenantRow(t, acme))
	if err != nil || len(plan) != 1 || plan[0].Events != 7 || plan[0].Month.String() != h.month(t, 3).Format(time.DateOnly) {
		t.Errorf("plan %+v, %v", plan, err)
	}
	if len(h.parts(t, acme)) > 0 || len(h.events(t, acme)) != 14 {
		t.Error("a plan did something")
	}
}
