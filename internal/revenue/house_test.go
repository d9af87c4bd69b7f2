package revenue_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/metric"
	. "github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// ledger is a database with the service on it, and no HTTP.
type ledger struct {
	*testkit.House
	revenue *Service
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	h := testkit.NewHouse(t)
	return &ledger{h, NewService(h.App)}
}

func (l *ledger) tenant(t testkit.Failer, zone string) tenant.ID {
	t.Helper()
	id, err := access.CreateTenant(context.Background(), l.Worker, "Acme", zone, time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sender(id tenant.ID) access.Principal {
	return access.Principal{Tenant: id, Kind: access.WriteKey, Source: "billing", Permissions: access.WriteKey.Permissions()}
}

// as is a context of somebody who may manage the tenant, and read all of it.
func as(id tenant.ID) context.Context {
	may := access.ManageKey.Permissions() | access.ReadKey.Permissions()
	return access.With(context.Background(), access.Principal{Tenant: id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: may})
}

func (l *ledger) record(t testkit.Failer, id tenant.ID, items ...Item) []Verdict {
	t.Helper()
	given := make([]Given, len(items))
	for i, item := range items {
		given[i].Item = item
	}
	verdicts, err := l.revenue.Record(context.Background(), sender(id), given)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

func (l *ledger) take(t testkit.Failer, id tenant.ID, items ...Item) {
	t.Helper()
	for i, v := range l.record(t, id, items...) {
		if v.Status != "ACCEPTED" {
			t.Fatal("item ", i, ": ", v)
		}
	}
}

func monthly(key string, amount int64, currency string) Item {
	return Item{Plan: &PlanItem{Key: key, Amount: amount, Currency: currency, Interval: Month}}
}

func subscribed(id, group, plan, when string, status Status, set ...func(*SubscriptionItem)) Item {
	s := &SubscriptionItem{ID: id, GroupID: group, Plan: plan, Status: status, OccurredAt: At(when)}
	for _, f := range set {
		f(s)
	}
	return Item{Subscription: s}
}

func definition(t *testing.T, key string) *metric.Definition {
	t.Helper()
	for _, d := range Metrics() {
		if d.Key == key {
			return d
		}
	}
	t.Fatal("there is no metric ", key)
	return nil
}
