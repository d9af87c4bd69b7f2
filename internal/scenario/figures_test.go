package scenario_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// The days around Berlin's change to summer time, the 30th of March 2025, a Sunday of 23
// hours. Kolkata is five and a half hours ahead of UTC all year.
var march = []string{
	tracked("e1", "Visit", `"userId":"u1"`, "2025-03-28T22:30:00Z"),                         // Berlin 28th, Kolkata 29th
	tracked("e2", "Visit", `"userId":"u1"`, "2025-03-28T23:00:00Z"),                         // Berlin 29th at 0:00, Kolkata 29th
	tracked("e3", "Buy", `"userId":"u2"`, "2025-03-29T18:29:59.999999Z"),                    // Berlin 29th, Kolkata 29th, its last instant
	tracked("e4", "Search", `"anonymousId":"a1"`, "2025-03-29T18:30:00Z"),                   // Berlin 29th, Kolkata 30th, its first
	tracked("e5", "Visit", `"userId":"u1"`, "2025-03-29T23:30:00Z"),                         // Berlin 30th, Kolkata 30th
	tracked("e6", "Buy", `"userId":"u2","anonymousId":"a9"`, "2025-03-30T21:59:59.999999Z"), // Berlin 30th, its last instant, Kolkata 31st
	tracked("e7", "Visit", `"userId":"u3"`, "2025-03-30T22:00:00Z"),                         // Berlin 31st, its first, Kolkata 31st
	tracked("e8", "Search", `"userId":"u2"`, "2025-03-31T10:07:00Z"),                        // 31st
	tracked("e9", "Visit", `"userId":"null"`, "2025-03-31T10:08:00Z"),                       // 31st; nobody
}

func tracked(id, name, who, at string) string {
	return `{"type":"track","messageId":"` + id + `","event":"` + name + `",` + who + `,"timestamp":"` + at +
		`","properties":{"n":"` + id + `"},"context":{"ip":"::1"}}`
}

// figures are what is counted by hand: one number for each bucket.
type figures struct {
	name, zone, interval, weekStart string
	from, to                        string
	at                              []string
	events, active, fresh           []int
	activeInAll                     int // uniques don't add up
}

var byHand = []figures{
	{
		"days in Berlin", "Europe/Berlin", "DAY", "MONDAY", "2025-03-26T23:00:00Z", "2025-04-01T22:00:00Z",
		[]string{"2025-03-26T23:00:00Z", "2025-03-27T23:00:00Z", "2025-03-28T23:00:00Z", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z", "2025-03-31T22:00:00Z"},
		[]int{0, 1, 3, 2, 3, 0}, []int{0, 1, 3, 2, 2, 0}, []int{0, 1, 2, 0, 1, 0}, 4,
	},
	{
		"days in Kolkata", "Asia/Kolkata", "DAY", "MONDAY", "2025-03-27T18:30:00Z", "2025-04-01T18:30:00Z",
		[]string{"2025-03-27T18:30:00Z", "2025-03-28T18:30:00Z", "2025-03-29T18:30:00Z", "2025-03-30T18:30:00Z", "2025-03-31T18:30:00Z"},
		[]int{0, 3, 2, 4, 0}, []int{0, 2, 2, 2, 0}, []int{0, 2, 1, 1, 0}, 4,
	},
	{
		"weeks from Monday in Berlin", "Europe/Berlin", "WEEK", "MONDAY", "2025-03-23T23:00:00Z", "2025-04-06T22:00:00Z",
		[]string{"2025-03-23T23:00:00Z", "2025-03-30T22:00:00Z"},
		[]int{6, 3}, []int{3, 2}, []int{3, 1}, 4,
	},
	{
		"weeks from Sunday in Berlin", "Europe/Berlin", "WEEK", "SUNDAY", "2025-03-22T23:00:00Z", "2025-04-05T22:00:00Z",
		[]string{"2025-03-22T23:00:00Z", "2025-03-29T23:00:00Z"},
		[]int{4, 5}, []int{3, 3}, []int{3, 1}, 4,
	},
	{
		"weeks from Monday in Kolkata", "Asia/Kolkata", "WEEK", "MONDAY", "2025-03-23T18:30:00Z", "2025-04-06T18:30:00Z",
		[]string{"2025-03-23T18:30:00Z", "2025-03-30T18:30:00Z"},
		[]int{5, 4}, []int{3, 2}, []int{3, 1}, 4,
	},
	{
		"a month, a quarter and a year hold all", "Europe/Berlin", "MONTH", "MONDAY", "2025-02-28T23:00:00Z", "2025-04-30T22:00:00Z",
		[]string{"2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z"},
		[]int{9, 0}, []int{4, 0}, []int{4, 0}, 4,
	},
	{
		"quarters in Kolkata", "Asia/Kolkata", "QUARTER", "MONDAY", "2024-12-31T18:30:00Z", "2025-06-30T18:30:00Z",
		[]string{"2024-12-31T18:30:00Z", "2025-03-31T18:30:00Z"},
		[]int{9, 0}, []int{4, 0}, []int{4, 0}, 4,
	},
	{
		"years in Berlin", "Europe/Berlin", "YEAR", "MONDAY", "2023-12-31T23:00:00Z", "2025-12-31T23:00:00Z",
		[]string{"2023-12-31T23:00:00Z", "2024-12-31T23:00:00Z"},
		[]int{0, 9}, []int{0, 4}, []int{0, 4}, 4,
	},
	{
		"hours over Berlin's missing one", "Europe/Berlin", "HOUR", "MONDAY", "2025-03-29T23:00:00Z", "2025-03-30T02:00:00Z",
		[]string{"2025-03-29T23:00:00Z", "2025-03-30T00:00:00Z", "2025-03-30T01:00:00Z"},
		[]int{1, 0, 0}, []int{1, 0, 0}, []int{0, 0, 0}, 1,
	},
	{
		"hours in Kolkata begin at half past", "Asia/Kolkata", "HOUR", "MONDAY", "2025-03-29T17:30:00Z", "2025-03-29T19:30:00Z",
		[]string{"2025-03-29T17:30:00Z", "2025-03-29T18:30:00Z"},
		[]int{1, 1}, []int{1, 1}, []int{1, 1}, 2,
	},
	{
		"a range that cuts a quarter hour", "Europe/Berlin", "HOUR", "MONDAY", "2025-03-31T10:07:00.5Z", "2025-03-31T10:14:00Z",
		[]string{"2025-03-31T10:00:00Z"},
		[]int{1}, []int{0}, []int{0}, 0,
	},
	{
		"a range that cuts days and hours", "Asia/Kolkata", "DAY", "MONDAY", "2025-03-28T22:59:59Z", "2025-03-31T10:07:30Z",
		[]string{"2025-03-28T18:30:00Z", "2025-03-29T18:30:00Z", "2025-03-30T18:30:00Z"},
		[]int{2, 2, 3}, []int{2, 2, 2}, []int{1, 1, 1}, 4,
	},
}

// The same figures come from the rollups, from the views, and from both mixed.
func TestFiguresCountedByHand(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t, march...), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	all := func(t *testing.T) {
		for _, want := range byHand {
			t.Run(want.name, func(t *testing.T) { want.check(t, s) })
		}
	}
	t.Run("fresh", all)
	materialize(t, s.kit)
	t.Run("materialized", all)
	s.kit.Exec(t, `update event_rollup set count = count where at = '2025-03-29 18:15Z'`) // one day is out of date
	t.Run("mixed", all)
}

// materialize brings the views up to date with every day that is over.
func materialize(t *testing.T, kit *served.Kit) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) { // the kit's own worker may hold the lock for a moment
		if err := metric.NewCloser(kit.Node.Worker(), slog.New(slog.DiscardHandler)).Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var stale, closed int
		kit.Scan(t, `
			select count(*) filter (where d.version is distinct from v.version or k.version is distinct from v.version or a.day is null), count(*)
			from day_version v
			join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
			left join materialized.day_total d on d.tenant_id = v.tenant_id and d.day = v.day
			left join visit_day k on k.tenant_id = v.tenant_id and k.day = v.day
			left join activity_day a on a.tenant_id = v.tenant_id and a.day = v.day`, nil, &stale, &closed)
		if stale == 0 && closed > 0 {
			return
		}
	}
	t.Fatal("the closed days were not materialized")
}
