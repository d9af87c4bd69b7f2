package scenario_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What customers pay, and who is told of it.
func TestRevenue(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"what is known is recorded item by item", revenueIsRecorded},
		{"over HTTP as well", revenueOverHTTP},
		{"all of it can be read", allOfRevenueIsRead},
		{"not by strangers, nor without leave", revenueIsNotForEverybody},
		{"a figure is pushed", aFigureOfRevenueIsPushed},
	})
}

const (
	recordIt = `mutation ($items: [RevenueItemInput!]!) { recordRevenue(items: $items) {
		accepted duplicates conflicts rejected verdicts { kind id status field reason } } }`
	allOfRevenue = `query ($from: DateTime) {
		tenant { churnRule }
		plans(first: 10) { edges { cursor node { id } } nodes { id key name price { amount currency } interval intervalCount createdAt } pageInfo { hasNextPage } }
		subscriptions(first: 10, status: ACTIVE) { edges { cursor node { id } } nodes {
			id externalId source account { groupId } plan { key } status quantity price { amount } discount { amount } monthly { amount currency } occurredAt
			startedAt trialStartsAt trialEndsAt periodEndsAt canceledAt endedAt } pageInfo { hasNextPage } }
		invoices(first: 10, status: PAID) { edges { cursor node { id } } nodes {
			id externalId source account { groupId } subscription number status subtotal { amount } discount { amount } tax { amount } total { amount currency }
			issuedAt dueAt paidAt occurredAt
			lines { description kind plan quantity amount { amount } discount { amount } tax { amount } periodFrom periodEndsAt } } pageInfo { hasNextPage } }
		payments(first: 10) { edges { cursor node { id } } nodes {
			id kind externalId source account { groupId } status amount { amount currency } invoice charge reason occurredAt } pageInfo { hasNextPage } }
		mrrMovements(first: 10, range: {from: $from}) { edges { cursor node { id } } nodes {
			id account { groupId } at kind amount { amount currency } recordedAt parts { subscription { externalId } plan { key } amount { amount } } } pageInfo { hasNextPage } }
		exchangeRates(first: 10, base: "EUR") { edges { cursor node { id } } nodes { id base currency day rate recordedAt } pageInfo { hasNextPage } }
	}`
	revenueOfAccount = `{ account(groupId: "g1") { id mrr { amount currency } subscriptions(first: 5) { nodes { id externalId } } } }`
	oneSubscription  = `query ($id: ID!) { subscription(id: $id) { id externalId } node(id: $id) { id } }`
	setRule          = `mutation { setChurnRule(rule: CANCELLATION) { churnRule } }`
	mrrThen          = `metric(key: "mrr") { value(currency: "EUR", range: {from: "2026-04-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}) { value money { amount currency } } }`
)

// item is an item as JSON.
func item(text string) json.RawMessage { return json.RawMessage(text) }

const (
	proPlan      = `{"plan": {"key": "pro", "name": "Pro", "amount": 200000, "currency": "EUR", "interval": "YEAR"}}`
	subscribedG1 = `{"subscription": {"id": "s1", "groupId": "g1", "plan": "pro", "status": "ACTIVE", "quantity": 2, "discount": 100, "occurredAt": "2026-03-05T10:00:00Z",
		"startedAt": "2026-02-05T10:00:00Z", "trialStartsAt": "2026-02-05T10:00:00Z", "trialEndsAt": "2026-02-19T10:00:00Z"}}`
	invoiceG1 = `{"invoice": {"id": "i1", "groupId": "g1", "subscription": "s1", "number": "2026-1", "status": "PAID", "currency": "EUR", "occurredAt": "2026-03-06T10:00:00Z",
		"issuedAt": "2026-03-05T10:00:00Z", "lines": [{"description": "Pro", "kind": "RECURRING", "plan": "pro", "quantity": 2, "amount": 400000, "discount": 100, "tax": 75981}]}}`
	chargeG1 = `{"charge": {"id": "c1", "groupId": "g1", "invoice": "i1", "amount": 475881, "currency": "EUR", "occurredAt": "2026-03-06T10:00:00Z"}}`
	refundG1 = `{"refund": {"id": "r1", "groupId": "g1", "charge": "c1", "amount": 881, "currency": "EUR", "reason": "kindness", "occurredAt": "2026-03-07T10:00:00Z"}}`
	dollar   = `{"rate": {"base": "EUR", "currency": "USD", "day": "2026-01-01", "rate": "1.10"}}`
)

// revenueOf records what the stories are told of.
func revenueOf(t *testing.T, s story, who *served.Tenant) {
	t.Helper()
	wantEqual(t, "recorded", record(t, s, who, proPlan, subscribedG1, invoiceG1, chargeG1, refundG1, dollar).statuses(), "ACCEPTED ACCEPTED ACCEPTED ACCEPTED ACCEPTED ACCEPTED")
}

// openQuarters materializes what MRR stood at as quarters began, of both companies.
func (s story) openQuarters(t *testing.T) {
	t.Helper()
	opened := 0
	for deadline := time.Now().Add(20 * time.Second); opened < 2; { // the kit's own worker may hold the lock for a moment
		if err := revenue.NewOpener(s.kit.Node.Worker(), slog.New(slog.DiscardHandler)).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.kit.Scan(t, `select count(distinct tenant_id) from materialized.mrr_opening`, nil, &opened)
		if time.Now().After(deadline) {
			t.Fatalf("the quarters of %d companies were opened", opened)
		}
	}
}

type recorded struct {
	RecordRevenue struct {
		Accepted, Duplicates, Conflicts, Rejected int
		Verdicts                                  []struct{ Kind, ID, Status, Field, Reason string }
	}
}

func (r recorded) statuses() string {
	var words []string
	for _, v := range r.RecordRevenue.Verdicts {
		words = append(words, strings.TrimSpace(v.Status+" "+v.Field))
	}
	return strings.Join(words, " ")
}

func record(t *testing.T, s story, who *served.Tenant, items ...string) (answer recorded) {
	t.Helper()
	var list []json.RawMessage
	for _, text := range items {
		list = append(list, item(text))
	}
	got := s.kit.Ask(t, who.WriteKey, recordIt, map[string]any{"items": list})
	if len(got.Errors) > 0 {
		t.Fatalf("%+v", got.Errors)
	}
	if err := json.Unmarshal(got.Data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func revenueIsRecorded(t *testing.T, s story) {
	wantEqual(t, "at first", record(t, s, s.acme, subscribedG1, proPlan, `{}`, strings.Replace(chargeG1, "EUR", "euro", 1)).statuses(),
		"ACCEPTED ACCEPTED REJECTED items REJECTED charge.currency")
	answer := record(t, s, s.acme, subscribedG1, proPlan, strings.Replace(subscribedG1, `"ACTIVE"`, `"PAUSED"`, 1))
	wantEqual(t, "again", answer.statuses(), "DUPLICATE DUPLICATE CONFLICT subscription.occurredAt")
	wantEqual(t, "counted", []int{answer.RecordRevenue.Accepted, answer.RecordRevenue.Duplicates, answer.RecordRevenue.Conflicts, answer.RecordRevenue.Rejected}, []int{0, 2, 1, 0})
}

func revenueOverHTTP(t *testing.T, s story) {
	post := func(key, body string) (int, string) {
		reply := s.kit.Do(t, http.MethodPost, "/v1/revenue", key, body)
		return reply.Status, string(reply.Body)
	}
	for _, c := range []struct {
		key, body string
		status    int
		want      string
	}{
		{s.acme.WriteKey, `{"items": [` + proPlan + `,` + subscribedG1 + `,{"plan": {"kex": 1}},{"plan": {"key": 1}},7]}`, 200,
			`{"success":true,"verdicts":[{"kind":"PLAN","id":"pro","status":"ACCEPTED"},{"kind":"SUBSCRIPTION","id":"s1","status":"ACCEPTED"},` +
				`{"id":"","status":"REJECTED","field":"plan.kex","reason":"There is no such field."},{"id":"","status":"REJECTED","field":"plan.key","reason":`},
		{s.acme.WriteKey, proPlan, 200, `"status":"DUPLICATE"`},
		{s.acme.WriteKey, strings.Replace(proPlan, "200000", "300000", 1), 409, `"status":"CONFLICT","field":"plan.key"`},
		{s.acme.WriteKey, `{"charge": {"id": "c"}}`, 400, `"status":"REJECTED","field":"charge.`},
		{s.acme.WriteKey, `[]`, 400, `"field":"body"`},
		{s.acme.WriteKey, `{"items": []}`, 400, `"field":"items"`},
		{s.acme.ReadKey, proPlan, 403, `"FORBIDDEN"`},
		{"", proPlan, 401, `"UNAUTHENTICATED"`},
	} {
		status, body := post(c.key, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, status, body, c.status, c.want)
		}
	}
}

func allOfRevenueIsRead(t *testing.T, s story) {
	revenueOf(t, s, s.acme)
	var answer struct {
		Tenant        struct{ ChurnRule string }
		Plans         struct{ Nodes []struct{ ID, Key string } }
		Subscriptions struct {
			Nodes []struct {
				ID, ExternalID string
				Account        struct{ GroupID string }
				Plan           struct{ Key string }
				Monthly        struct {
					Amount   int
					Currency string
				}
			}
		}
		Invoices struct {
			Nodes []struct {
				Total struct{ Amount int }
				Lines []struct{ Quantity int }
			}
		}
		Payments     struct{ Nodes []struct{ Kind string } }
		MrrMovements struct {
			Nodes []struct {
				ID, At, Kind string
				Parts        []struct{ Amount struct{ Amount int } }
			}
		}
		ExchangeRates struct{ Nodes []struct{ Day, Rate string } }
	}
	s.acme.Query(t, allOfRevenue, map[string]any{"from": "2026-01-01T00:00:00Z"}, &answer)
	wantEqual(t, "rule", answer.Tenant.ChurnRule, "PERIOD_END")
	wantEqual(t, "monthly", answer.Subscriptions.Nodes[0].Monthly.Amount, 33_325) // (2 x 2,000.00 - 1.00) / 12
	wantEqual(t, "of", answer.Subscriptions.Nodes[0].Account.GroupID+" "+answer.Subscriptions.Nodes[0].Plan.Key, "g1 pro")
	wantEqual(t, "total", answer.Invoices.Nodes[0].Total.Amount, 475_881)
	wantEqual(t, "paid", answer.Payments.Nodes[0].Kind+answer.Payments.Nodes[1].Kind, "REFUNDCHARGE")
	wantEqual(t, "moved", answer.MrrMovements.Nodes[0].Kind+" "+answer.MrrMovements.Nodes[0].At, "NEW 2026-02-19T10:00:00Z")
	wantEqual(t, "part", answer.MrrMovements.Nodes[0].Parts[0].Amount.Amount, 33_325)
	wantEqual(t, "rate", answer.ExchangeRates.Nodes[0].Day+" "+answer.ExchangeRates.Nodes[0].Rate, "2026-01-01 1.10")
	for _, id := range []string{answer.Plans.Nodes[0].ID, answer.Subscriptions.Nodes[0].ID, answer.MrrMovements.Nodes[0].ID} {
		var found struct{ Node struct{ ID string } }
		s.acme.Query(t, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id}, &found)
		wantEqual(t, "node", found.Node.ID, id)
		wantRefused(t, s.kit, s.globex.ReadKey, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id}, "NOT_FOUND")
	}
	var one struct{ Subscription struct{ ExternalID string } }
	s.acme.Query(t, oneSubscription, map[string]any{"id": answer.Subscriptions.Nodes[0].ID}, &one)
	wantEqual(t, "one", one.Subscription.ExternalID, "s1")
	var account struct {
		Account struct {
			Mrr           []struct{ Amount int }
			Subscriptions struct{ Nodes []struct{ ExternalID string } }
		}
	}
	s.acme.Query(t, revenueOfAccount, nil, &account)
	wantEqual(t, "account", account.Account.Mrr[0].Amount, 33_325)
	wantEqual(t, "its subscription", account.Account.Subscriptions.Nodes[0].ExternalID, "s1")
	var figure struct {
		Metric struct {
			Value struct {
				Money struct {
					Amount   int
					Currency string
				}
			}
		}
	}
	s.acme.Query(t, `{ metric(key: "mrr") { value(currency: "USD", range: {from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z"}) { money { amount currency } } } }`, nil, &figure)
	wantEqual(t, "in dollars", figure.Metric.Value.Money.Amount, 36_658) // 333.25 x 1.1, rounded half up
	var changed struct{ SetChurnRule struct{ ChurnRule string } }
	s.acme.Manage(t, setRule, nil, &changed)
	wantEqual(t, "rule", changed.SetChurnRule.ChurnRule, "CANCELLATION")
}

func revenueIsNotForEverybody(t *testing.T, s story) {
	revenueOf(t, s, s.acme)
	var others struct {
		Subscriptions, Invoices, Payments, MrrMovements, Plans, ExchangeRates struct{ Nodes []struct{ ID string } }
	}
	s.globex.Query(t, allOfRevenue, map[string]any{"from": nil}, &others)
	if n := len(others.Plans.Nodes) + len(others.Subscriptions.Nodes) + len(others.Invoices.Nodes) + len(others.Payments.Nodes) + len(others.MrrMovements.Nodes) + len(others.ExchangeRates.Nodes); n > 0 {
		t.Errorf("Globex sees %+v of Acme", others)
	}
	for _, field := range []string{`plans { nodes { key } }`, `subscriptions { nodes { externalId } }`, `mrrMovements { nodes { at } }`, mrrThen} {
		wantRefused(t, s.kit, s.acme.WriteKey, `{ `+field+` }`, nil, "FORBIDDEN")
	}
}

func aFigureOfRevenueIsPushed(t *testing.T, s story) {
	revenueOf(t, s, s.acme)
	watching := watchSocket(t, s.kit, s.acme.ReadKey, live(mrrThen))
	wantNext(t, watching, `"value":33325`)
	record(t, s, s.acme, `{"subscription": {"id": "s2", "groupId": "g2", "plan": "pro", "status": "ACTIVE", "occurredAt": "2026-04-05T10:00:00Z"}}`)
	wantNext(t, watching, `"value":49992`)
	record(t, s, s.acme, `{"subscription": {"id": "s2", "groupId": "g2", "plan": "pro", "status": "CANCELED", "occurredAt": "2026-04-15T10:00:00Z"}}`)
	wantNext(t, watching, `"value":33325`)
}
