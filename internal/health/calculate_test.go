package health_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	. "github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

var use = Input{Key: "use", Name: "Use", Kind: Events, Weight: 1, Worst: 0, Best: 10, Days: 7}

// opened sends so many events of an account's user.
func (h *house) opened(t *testing.T, id tenant.ID, group string, n int) {
	t.Helper()
	events := make([]event.Incoming, n)
	for i := range events {
		events[i] = event.Incoming{
			MessageID: fmt.Sprint(group, time.Now().UnixNano(), i), Type: "Opened", UserID: "u-" + group, GroupID: group, Timestamp: time.Now().UTC(),
		}
	}
	h.send(t, id, events...)
}

// Scores follow the data, and are left alone while these stay as they are; who comes into another
// band is kept; a stranger has nothing of it.
func TestScoresFollowTheData(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	h.opened(t, acme, "g1", 3)
	h.opened(t, globex, "g1", 9)
	h.set(t, acme, use)
	if n := h.work(t); n != 1 {
		t.Errorf("%d calculations, want one", n)
	}
	h.wantScore(t, acme, "g1", 30, AtRisk)
	h.opened(t, acme, "g1", 4)
	h.work(t)
	h.wantScore(t, acme, "g1", 70, Neutral)
	h.opened(t, acme, "g1", 2)
	h.opened(t, acme, "g2", 1)
	h.work(t)
	h.wantScore(t, acme, "g1", 90, Healthy)
	h.wantScore(t, acme, "g2", 10, AtRisk)
	if n := h.work(t); n != 0 {
		t.Errorf("%d calculations without a change", n)
	}
	const all = "->AT_RISK DATA, NEUTRAL>HEALTHY DATA, AT_RISK>NEUTRAL DATA, ->AT_RISK MODEL"
	if got := h.changes(t, acme); got != all {
		t.Errorf("changes %s, want %s", got, all)
	}
	h.Exec(t, `update health_model set moves_at = now()`)
	if n := h.work(t); n != 1 {
		t.Errorf("%d calculations once a day was over, want one", n)
	}
	if got := h.changes(t, globex); got != "" {
		t.Errorf("a stranger sees %s", got)
	}
	theirs, err := h.health.Of(as(globex), []int64{h.account(t, acme, "g1")})
	if err != nil || len(theirs) != 0 {
		t.Errorf("a stranger sees %v, %v", theirs, err)
	}
	if m, err := h.health.Model(as(globex)); m != nil || err != nil {
		t.Errorf("a stranger sees %v, %v", m, err)
	}
}

func TestAnotherModelCounts(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.opened(t, acme, "g1", 3)
	h.set(t, acme, use)
	h.work(t)
	harder := use
	harder.Best = 3
	p, err := h.health.Preview(as(acme), []Input{harder})
	if err != nil || p.Scored != 1 || p.AllMoved != 1 || *p.Moved[0].Before != 300 || *p.Moved[0].Now != 1000 {
		t.Errorf("preview %+v, %v", p, err)
	}
	h.wantScore(t, acme, "g1", 30, AtRisk) // as nothing was saved
	h.set(t, acme, harder)
	h.wantScore(t, acme, "g1", 30, AtRisk) // until it is calculated
	h.work(t)
	h.wantScore(t, acme, "g1", 100, Healthy)
	if got := h.changes(t, acme); got != "AT_RISK>HEALTHY MODEL, ->AT_RISK MODEL" {
		t.Errorf("changes %s", got)
	}
	m, err := h.health.Model(as(acme))
	if err != nil || m.Version != 2 || m.State != Done || m.Progress != 1 || *m.Accounts != 1 || !*m.Complete {
		t.Errorf("model %+v, %v", m, err)
	}
	trends, err := h.health.Trends(as(acme), []int64{h.account(t, acme, "g1")}, 7)
	if scores := trends[h.account(t, acme, "g1")].Scores; err != nil || len(scores) != 7 || scores[5] != nil || *scores[6] != 1000 {
		t.Errorf("trend %v, %v", scores, err)
	}
}

func TestAnOverrideHoldsUntilItExpires(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	h.opened(t, acme, "g1", 9)
	account, tomorrow := h.account(t, acme, "g1"), time.Now().AddDate(0, 0, 1)
	wantFault(t, h.health.Override(as(acme), account, Said{20, "Their champion left.", tomorrow}), fault.NotFound, "")
	h.set(t, acme, use)
	h.set(t, globex, use)
	h.work(t)
	for _, c := range []struct {
		said  Said
		field string
	}{
		{Said{-1, "x", tomorrow}, "score"}, {Said{100.1, "x", tomorrow}, "score"}, {Said{20.55, "x", tomorrow}, "score"},
		{Said{20, " ", tomorrow}, "reason"}, {Said{20, "x", time.Now().Add(-time.Minute)}, "expiresAt"}, {Said{20, "x", tomorrow.AddDate(2, 0, 0)}, "expiresAt"},
	} {
		wantFault(t, h.health.Override(as(acme), account, c.said), fault.BadUserInput, c.field)
	}
	wantFault(t, h.health.Override(as(globex), account, Said{20, "x", tomorrow}), fault.NotFound, "account")
	wantFault(t, h.health.EndOverride(as(acme), account), fault.BadUserInput, "account")

	for _, score := range []float64{20, 60.5} { // the later one takes the place of the first
		if err := h.health.Override(as(acme), account, Said{score, "Their champion left.", tomorrow}); err != nil {
			t.Fatal(err)
		}
	}
	h.wantScore(t, acme, "g1", 60.5, Neutral)
	s := h.standing(t, acme, "g1")
	if *s.Calculated != 900 || s.Override == nil || s.Override.Reason != "Their champion left." || s.Override.Score != 605 || len(s.Inputs) != 1 {
		t.Errorf("overridden %+v", s)
	}
	h.opened(t, acme, "g1", 1)
	h.work(t)
	h.wantScore(t, acme, "g1", 60.5, Neutral) // whatever the data come to

	h.Exec(t, `update health_override set set_at = set_at - interval '2 days', expires_at = expires_at - interval '2 days' where ended_at is null`)
	h.Exec(t, `update health_model set moves_at = moves_at - interval '2 days'`)
	h.work(t)
	h.wantScore(t, acme, "g1", 100, Healthy)
	if err := h.health.Override(as(acme), account, Said{0, "No.", tomorrow}); err != nil {
		t.Fatal(err)
	}
	if err := h.health.EndOverride(as(acme), account); err != nil {
		t.Fatal(err)
	}
	h.wantScore(t, acme, "g1", 100, Healthy)
	const all = "AT_RISK>HEALTHY OVERRIDE, HEALTHY>AT_RISK OVERRIDE, NEUTRAL>HEALTHY OVERRIDE, AT_RISK>NEUTRAL OVERRIDE, HEALTHY>AT_RISK OVERRIDE, ->HEALTHY MODEL"
	if got := h.changes(t, acme); got != all {
		t.Errorf("changes %s, want %s", got, all)
	}
}

// Whoever is late changes nothing: neither one who was taken over from, nor one whose model no
// longer counts.
func TestALateCalculationChangesNothing(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.opened(t, acme, "g1", 3)
	h.set(t, acme, use)
	late := NewCalculator(h.Worker, h.App, discard).Quick(time.Minute)
	late.Beginning(func() {
		late.Beginning(nil)
		h.Exec(t, `update health_model set due_at = now()`) // as if nothing had been heard of it
		h.opened(t, acme, "g1", 5)
		h.work(t)
	})
	if _, err := late.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.wantScore(t, acme, "g1", 80, Healthy)

	h.opened(t, acme, "g1", 1)
	late.Beginning(func() {
		late.Beginning(nil)
		harder := use
		harder.Best = 1000
		h.set(t, acme, harder)
	})
	if _, err := late.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.wantScore(t, acme, "g1", 80, Healthy)
	h.work(t)
	h.wantScore(t, acme, "g1", 0.9, AtRisk)
}

// What fails says why, and is tried again.
func TestAFailedCalculationIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.opened(t, acme, "g1", 3)
	h.set(t, acme, use)
	failing := NewCalculator(h.Worker, h.App, discard).Quick(time.Minute)
	ctx, cancel := context.WithCancel(context.Background())
	failing.Beginning(cancel) // as if its time were over
	if _, err := failing.Run(ctx); err != nil {
		t.Fatal(err)
	}
	m, err := h.health.Model(as(acme))
	if err != nil || m.State != Failed || m.Failure == nil || *m.Failure != "Internal error." || m.CalculatedAt != nil {
		t.Errorf("model %+v, %v", m, err)
	}
	if n := h.work(t); n != 0 {
		t.Error("it was tried again at once")
	}
	h.Exec(t, `update health_model set due_at = now()`)
	h.work(t)
	h.wantScore(t, acme, "g1", 30, AtRisk)
	if m, err = h.health.Model(as(acme)); err != nil || m.State != Done || m.Failure != nil {
		t.Errorf("model %+v, %v", m, err)
	}
}

// The database's bands are those of Go.
func TestBandsAreOneInSQL(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.Exec(t, `insert into health_score (tenant_id, account_id, score, inputs, changed_at)
		select $1, n, n, '[]', now() from generate_series(0, 1000) n`, acme)
	rows, err := h.Owner.Query(context.Background(), `select score, band::text from health_score where tenant_id = $1`, acme)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var score int
		var band string
		if err := rows.Scan(&score, &band); err != nil {
			t.Fatal(err)
		}
		if Tenths(score).Band() != Band(band) {
			t.Errorf("%d is %s in SQL, and %s in Go", score, band, Tenths(score).Band())
		}
	}
	if n != 1001 {
		t.Error(n, " scores")
	}
}
