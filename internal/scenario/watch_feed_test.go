package scenario_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

const metricsToken = "a token for metrics"

// How the feed and the live queries do can be read, by who has the token.
func TestMetricsOfTheProcess(t *testing.T) {
	t.Parallel()
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.MetricsToken = metricsToken })
	acme := kit.Tenant(t, "Acme", "UTC")
	w := watchSocket(t, kit, acme.ReadKey, live(`events(`+thatDay+`) { count }`))
	wantNext(t, w, `"count":0`)
	acme.Batch(t, event("m", "E", "u1", noon))
	wantNext(t, w, `"count":1`)
	for name, holds := range map[string]func(float64) bool{
		"feed_slot_active":      func(v float64) bool { return v == 1 },
		"feed_slot_lost":        func(v float64) bool { return v == 0 },
		"feed_slot_lag_bytes":   func(v float64) bool { return v >= 0 },
		"feed_silence_seconds":  func(v float64) bool { return v >= 0 && v < 20 },
		"live_connections":      func(v float64) bool { return v == 1 },
		"live_queries":          func(v float64) bool { return v == 1 },
		"live_subscriptions":    func(v float64) bool { return v == 1 },
		"live_executions_total": func(v float64) bool { return v >= 2 },
		"live_answers_total":    func(v float64) bool { return v >= 2 },
	} {
		eventually(t, name, func() bool { return holds(figure(t, kit, name)) })
	}
	eventually(t, "readiness", func() bool {
		return regexp.MustCompile(`"feed":"ok"`).Match(kit.Do(t, "GET", "/readyz", "", "").Body)
	})
	for _, key := range []string{"", "another token", acme.ReadKey, acme.ManageKey} {
		if got := kit.Do(t, "GET", "/metrics", key, ""); got.Status != 401 {
			t.Errorf("with %q it answers %d", key, got.Status)
		}
	}
	other := served.StartOn(t, kit.DB)
	if got := other.Do(t, "GET", "/metrics", metricsToken, ""); got.Status != 404 {
		t.Errorf("without a token of its own a server answers %d", got.Status)
	}
}

// figure reads one of them.
func figure(t *testing.T, kit *served.Kit, name string) float64 {
	t.Helper()
	body := kit.Do(t, "GET", "/metrics", metricsToken, "").Body
	found := regexp.MustCompile(fmt.Sprintf(`(?m)^tidemark_%s (\S+)$`, name)).FindSubmatch(body)
	if found == nil {
		t.Fatalf("there is no %s in\n%s", name, body)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// eventually waits for a fact.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true: %s", what)
		}
	}
}
