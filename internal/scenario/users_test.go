package scenario_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// usersOverTime asks for all that is told of users over time, by day.
const usersOverTime = `query ($range: RangeInput!) {
	daily: metric(key: "daily_active_users") { ...days }
	weekly: metric(key: "weekly_active_users") { ...days }
	monthly: metric(key: "monthly_active_users") { ...days }
	stickiness: metric(key: "stickiness") { ...days }
	active: metric(key: "active_users") { ...days }
	new: metric(key: "new_users") { ...days }
	returning: metric(key: "returning_users") { ...days }
	resurrecting: metric(key: "resurrecting_users") { ...days }
	dormant: metric(key: "dormant_users") { ...days }
	sessions: metric(key: "sessions") { ...days }
	adoption: metric(key: "feature_adoption") { ...days breakdown(by: [{kind: TYPE}], range: $range) { rows { keys value } } }
}
fragment days on Metric { unit additive direction formula series(range: $range, interval: DAY, zone: "Europe/Berlin") { values } }`

type toldOfUsers struct {
	Unit, Direction, Formula string
	Additive                 bool
	Series                   struct{ Values []*float64 }
	Breakdown                struct {
		Rows []struct {
			Keys  []string
			Value *float64
		}
	}
}

// Two people over five days of Berlin: they come, pause, come back and go; and what is kept of
// the days says the same. A stranger's figures are of nobody.
func TestUsersOverTime(t *testing.T) {
	s := begin(t)
	wantVerdicts(t, s.acme.Batch(t,
		event("1", "Opened", "ann", "2026-05-01T06:00:00Z"), event("2", "Opened", "ann", "2026-05-01T06:29:59Z"),
		event("3", "Opened", "ann", "2026-05-01T06:59:59Z"),                                                    // half an hour later: another session
		event("4", "Opened", "ben", "2026-05-01T21:50:00Z"), event("5", "Paid", "ben", "2026-05-01T22:10:00Z"), // past midnight in Berlin
		event("6", "Opened", "ann", "2026-05-04T06:00:00Z"),
	), "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED")
	check := func(t *testing.T) {
		told := usersTold(t, s.acme)
		for key, want := range map[string][]any{
			"daily": {2, 1, 0, 1, 0}, "weekly": {2, 2, 2, 2, 2}, "monthly": {2, 2, 2, 2, 2},
			"stickiness": {1, 0.5, 0, 0.5, 0},
			"active":     {2, 1, 0, 1, 0}, "new": {2, 0, 0, 0, 0}, "returning": {0, 1, 0, 0, 0},
			"resurrecting": {0, 0, 0, 1, 0}, "dormant": {0, 1, 1, 0, 1},
			"sessions": {3, 0, 0, 1, 0}, "adoption": {1, 1, nil, 1, nil},
		} {
			wantEqual(t, key, shown(told[key].Series.Values), fmt.Sprint(want))
		}
		rows := told["adoption"].Breakdown.Rows
		if len(rows) != 2 || rows[0].Keys[0] != "Opened" || *rows[0].Value != 1 || rows[1].Keys[0] != "Paid" || *rows[1].Value != 0.5 {
			t.Errorf("adoption by type: %+v, want Opened of both, Paid of one", rows)
		}
		for key, m := range usersTold(t, s.globex) {
			want := "[0 0 0 0 0]"
			if m.Unit == "RATIO" {
				want = "[<nil> <nil> <nil> <nil> <nil>]"
			}
			wantEqual(t, "the stranger's "+key, shown(m.Series.Values), want)
		}
	}
	t.Run("from what came in", check)
	materialize(t, s.kit)
	t.Run("from what is kept", check)
}

func usersTold(t *testing.T, who *served.Tenant) (told map[string]toldOfUsers) {
	t.Helper()
	days := map[string]any{"range": map[string]string{"from": "2026-05-01T00:00:00+02:00", "to": "2026-05-06T00:00:00+02:00"}}
	who.Query(t, usersOverTime, days, &told)
	return told
}

func shown(values []*float64) string {
	list := make([]any, len(values))
	for i, v := range values {
		if v != nil {
			list[i] = *v
		}
	}
	return fmt.Sprint(list)
}
