package scenario_test

import (
	"fmt"
	"slices"
	"testing"
)

// A live query of several fields reads again those alone whose data has changed, and shows all;
// also of figures, which are read together where both have changed.
func TestALiveQueryReadsAgainOnlyWhatHasChanged(t *testing.T) {
	s := begin(t)
	s.acme.Batch(t, event("before", "E", "u1", "2025-03-10T12:00:00Z"))
	w := watchSocket(t, s.kit, s.acme.ManageKey, live(`tenant { name } reports { nodes { name } } events(`+thatDay+`) { count }
		past: metric(key: "active_users") { value(range: {from: "2025-03-01T00:00:00Z", to: "2025-04-01T00:00:00Z"}) { value } }
		present: metric(key: "events") { series(`+thatDay+`, interval: DAY) { values } }`))
	s.settle(t, w)
	shows := func(name string, events, past int) string {
		return fmt.Sprintf(`"tenant":{"name":%q},"reports":{"nodes":[]},"events":{"count":%d},"past":{"value":{"value":%d}},"present":{"series":{"values":[%[2]d]}}`, name, events, past)
	}
	const reports, days, people = "ReportPage", "EventCountByBucket", "PresenceDistinctByBucket"
	for _, c := range []struct {
		what   string
		change func()
		want   string
		read   []string // of the fields but the first
	}{
		{"what the company is called", func() { s.kit.Exec(t, `update tenant set name = 'Acme Inc.' where tenant_id = $1`, s.acme.ID) }, shows("Acme Inc.", settled, 1), nil},
		{"an event of that day", func() { s.acme.Batch(t, event("present", "E", "u1", noon)) }, shows("Acme Inc.", settled+1, 1), []string{days}},
		{"an event of the past", func() { s.acme.Batch(t, event("past", "E", "u2", "2025-03-11T12:00:00Z")) }, shows("Acme Inc.", settled+1, 2), []string{people}},
		{"what figures go by", func() {
			s.kit.Exec(t, `with t as (update tenant set currency = 'SEK', name = 'Acme AB' where tenant_id = $1)
				update event_rollup set count = count + 1 where tenant_id = $1 and type = 'E'`, s.acme.ID)
		}, shows("Acme AB", settled+2, 2), []string{days, people}},
	} {
		s.kit.Statements.Take()
		c.change()
		until(t, w, c.want)
		counts := s.kit.Statements.Take()
		for _, name := range []string{reports, days, people} {
			if read := counts[name] > 0; read != slices.Contains(c.read, name) {
				t.Errorf("%s: %s was read: %v (%v)", c.what, name, read, counts)
			}
		}
	}
}
