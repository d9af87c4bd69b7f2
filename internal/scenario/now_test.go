package scenario_test

import (
	"testing"
	"time"
)

// What is not over yet.
func TestNow(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"the running day", theRunningDay},
		{"what is meant without a range", whatIsMeantWithoutARange},
	})
}

// The running day is counted and not complete; those before it are.
func theRunningDay(t *testing.T, s story) {
	s.acme.Batch(t, `{"type":"track","event":"E","userId":"u1"}`, `{"type":"track","event":"E","anonymousId":"a1"}`)
	const query = `query ($zone: TimeZone) { metric(key: "events") {
		value(range: {last: {count: 3, interval: DAY}}, zone: $zone) { value complete range { from to } zone watermark asOf exact }
		series(range: {last: {count: 3, interval: DAY}}, zone: $zone) { at values complete range { from to } zone watermark asOf exact }
		past: value(range: {from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z"}) { complete }
		open: series(range: {from: "2026-05-01T00:00:00Z"}) { at complete range { from to } watermark }
	} }`
	for _, zone := range []any{nil, "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		var answer struct {
			Metric struct {
				Value struct {
					provenance
					Value    int
					Complete bool
				}
				Series, Open struct {
					provenance
					At       []time.Time
					Values   []int
					Complete []bool
				}
				Past struct{ Complete bool }
			}
		}
		s.acme.Query(t, query, map[string]any{"zone": zone}, &answer)
		m := answer.Metric
		if zone == nil {
			zone = "Europe/Berlin" // the tenant's
		}
		wantEqual(t, "zone", m.Series.Zone, zone.(string))
		wantEqual(t, "values", []int{m.Value.Value, sum(m.Series.Values), len(m.Series.Values)}, []int{2, 2, 3})
		wantEqual(t, "completeness", []bool{m.Value.Complete, m.Past.Complete}, []bool{false, true})
		wantEqual(t, "exactness", []bool{m.Value.Exact, m.Series.Exact, m.Value.AsOf.Equal(m.Value.Watermark)}, repeat(true, 3))
		wantEqual(t, "buckets", m.Series.Complete, []bool{true, true, false})
		for _, list := range []struct {
			at       []time.Time
			complete []bool
			p        provenance
		}{{m.Series.At, m.Series.Complete, m.Series.provenance}, {m.Open.At, m.Open.Complete, m.Open.provenance}} {
			wantFlags(t, list.at, list.complete, list.p)
		}
	}
	s.wantStrangerEmpty(t)
}

// wantFlags holds each flag against the watermark: a bucket is complete when it has ended.
func wantFlags(t *testing.T, starts []time.Time, complete []bool, p provenance) {
	t.Helper()
	if len(starts) != len(complete) || len(starts) == 0 {
		t.Fatalf("%d buckets and %d flags", len(starts), len(complete))
	}
	for i, flag := range complete {
		end := p.Range.To
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if flag != !end.After(p.Watermark) {
			t.Errorf("the bucket that ends at %s is complete: %v, at the watermark %s", end, flag, p.Watermark)
		}
	}
	if !p.Range.To.After(p.Watermark) {
		t.Errorf("the range ends at %s, before now", p.Range.To)
	}
}

// Without a range, the last 30 days are meant; and what was accepted is in the very next
// answer, for the watermark says so.
func whatIsMeantWithoutARange(t *testing.T, s story) {
	for i := 1; i <= 20; i++ {
		s.acme.Batch(t, `{"type":"track","event":"E","userId":"u1"}`)
		var answer struct {
			Events struct {
				Count    int
				Timeline struct{ At []time.Time }
				List     struct {
					Nodes []struct{ ReceivedAt time.Time }
				}
				Watermark time.Time
			}
			Metric struct{ Value struct{ Value int } }
		}
		s.acme.Query(t, `{ events { count timeline { at } list(first: 1) { nodes { receivedAt } } watermark }
			metric(key: "events") { value { value } } }`, nil, &answer)
		e := answer.Events
		wantEqual(t, "counts", []int{e.Count, answer.Metric.Value.Value, len(e.Timeline.At)}, []int{i, i, 30})
		if e.List.Nodes[0].ReceivedAt.After(e.Watermark) {
			t.Errorf("an event arrived at %s, after the watermark %s", e.List.Nodes[0].ReceivedAt, e.Watermark)
		}
	}
	s.wantStrangerEmpty(t)
}
