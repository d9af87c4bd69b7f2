package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What a tenant may spend, and how it may change that.
func TestQuotas(t *testing.T) {
	beginWithin(t, func(c *tidemark.LimitsConfig) { c.OffPeak = 200 }).tell(t, []chapter{
		{"the installation's limits hold", theInstallationsLimitsHold},
		{"a tenant lowers its limits", aTenantLowersItsLimits},
		{"limits that are refused", limitsThatAreRefused},
		{"limits are watched", limitsAreWatched},
	})
}

const limitsSet = `mutation ($limits: LimitsInput!) { setLimits(limits: $limits) { id name
	limits { readPerMinute writePerMinute burstSeconds offPeakPercent callerPercent }
	limitCeiling { readPerMinute writePerMinute burstSeconds offPeakPercent callerPercent } } }`

const limitsAsked = `{ tenant { limits { readPerMinute writePerMinute burstSeconds offPeakPercent callerPercent } } }`

type limits struct{ ReadPerMinute, WritePerMinute, BurstSeconds, OffPeakPercent, CallerPercent int }

var installed = limits{120_000, 12_000, 30, 200, 50}

func limitsOf(t *testing.T, who *served.Tenant) limits {
	t.Helper()
	var answer struct{ Tenant struct{ Limits limits } }
	who.Query(t, limitsAsked, nil, &answer)
	return answer.Tenant.Limits
}

func theInstallationsLimitsHold(t *testing.T, s story) {
	wantEqual(t, "limits", limitsOf(t, s.acme), installed)
	// What the installation allows bounds what a tenant had set when it allowed more.
	s.kit.Exec(t, `insert into tenant_limit (tenant_id, read_per_minute, burst_seconds, off_peak_percent) values ($1, 500000, 60, 900)`, s.acme.ID)
	wantEqual(t, "limits", limitsOf(t, s.acme), installed)
}

func aTenantLowersItsLimits(t *testing.T, s story) {
	set := func(wish map[string]any, want limits) {
		t.Helper()
		var answer struct {
			SetLimits struct{ Limits, LimitCeiling limits }
		}
		s.acme.Manage(t, limitsSet, map[string]any{"limits": wish}, &answer)
		wantEqual(t, "limits", answer.SetLimits.Limits, want)
		wantEqual(t, "ceiling", answer.SetLimits.LimitCeiling, installed)
		wantEqual(t, "limits asked for", limitsOf(t, s.acme), want)
	}
	set(map[string]any{"readPerMinute": 6_000, "burstSeconds": 10, "callerPercent": 100}, limits{6_000, 12_000, 10, 200, 100})
	set(map[string]any{"writePerMinute": 600, "offPeakPercent": 100, "readPerMinute": nil}, limits{120_000, 600, 30, 100, 50})
	set(map[string]any{"readPerMinute": 4_000, "offPeakPercent": 100}, limits{4_000, 12_000, 30, 100, 50})
	wantEqual(t, "the stranger's", limitsOf(t, s.globex), installed)
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ReadKey, dear), 506)
	if reply := s.kit.Do(t, http.MethodPost, "/graphql", s.globex.ReadKey, requestOf(t, dear, nil)); reply.Status != http.StatusOK {
		t.Errorf("the stranger gets %d %s", reply.Status, reply.Body)
	}
	set(map[string]any{}, installed)
	if reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, dear, nil)); reply.Status != http.StatusOK {
		t.Errorf("with its limits back, Acme gets %d %s", reply.Status, reply.Body)
	}
}

func limitsThatAreRefused(t *testing.T, s story) {
	for _, c := range []struct {
		wish  map[string]any
		field string
	}{
		{map[string]any{"readPerMinute": 120_001}, "limits.readPerMinute"},
		{map[string]any{"readPerMinute": 0}, "limits.readPerMinute"},
		{map[string]any{"readPerMinute": -1}, "limits.readPerMinute"},
		{map[string]any{"writePerMinute": 12_001}, "limits.writePerMinute"},
		{map[string]any{"burstSeconds": 31}, "limits.burstSeconds"},
		{map[string]any{"burstSeconds": 0}, "limits.burstSeconds"},
		{map[string]any{"offPeakPercent": 201}, "limits.offPeakPercent"},
		{map[string]any{"offPeakPercent": 99}, "limits.offPeakPercent"},
		{map[string]any{"callerPercent": 101}, "limits.callerPercent"},
		{map[string]any{"callerPercent": 0}, "limits.callerPercent"},
		{map[string]any{"readPerMinute": 79}, "limits.readPerMinute"}, // of which a key could spend 19 at once
		{map[string]any{"writePerMinute": 79}, "limits.writePerMinute"},
		{map[string]any{"writePerMinute": 12_000, "burstSeconds": 1, "callerPercent": 9}, "limits.writePerMinute"},
	} {
		answer := s.kit.Ask(t, s.acme.ManageKey, limitsSet, map[string]any{"limits": c.wish})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != badInput || answer.Errors[0].Extensions.Field != c.field {
			t.Errorf("%v: %+v", c.wish, answer.Errors)
		}
	}
	for name, key := range map[string]string{"a read key": s.acme.ReadKey, "a write key": s.acme.WriteKey} {
		if answer := s.kit.Ask(t, key, limitsSet, map[string]any{"limits": map[string]any{}}); len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%s: %+v", name, answer.Errors)
		}
	}
	wantEqual(t, "limits", limitsOf(t, s.acme), installed)
}

func limitsAreWatched(t *testing.T, s story) {
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(strings.Trim(limitsAsked, "{} ")+" } }"))
	wantNext(t, w, `"readPerMinute":120000`)
	var answer struct{ SetLimits struct{ ID string } }
	s.acme.Manage(t, limitsSet, map[string]any{"limits": map[string]any{"readPerMinute": 5_000}}, &answer)
	wantNext(t, w, fmt.Sprint(`"readPerMinute":`, 5_000))
}
