package scenario_test

import (
	"fmt"
	"strings"
	"testing"
)

// Whom figures are made of, beside those of users: what customers pay, and metrics of one's own.
func TestFiguresOfAnyKindListWhatTheyAreMadeOf(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"customers with what they pay", customersAreListed},
		{"in pages", customersAreListedInPages},
		{"subscriptions that were tried", trialsAreListed},
		{"not of ratios, and not for everybody", whatIsNotListed},
		{"metrics of a tenant's own", ownMetricsListWhatTheyCount},
		{"live", aListIsPushed},
	})
}

const (
	overMarch = `zone: "UTC", range: {from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z"}`

	listedCustomers = `query ($key: String!, $currency: String, $asOf: DateTime, $filter: FilterInput) {
		metric(key: $key) {
			value(` + overMarch + `, currency: $currency, asOf: $asOf, filter: $filter) { value entities { ...made } }
			series(` + overMarch + `, interval: MONTH, currency: $currency, asOf: $asOf, filter: $filter) {
				values entities(at: "2026-03-01T00:00:00Z") { ...made }
			}
			breakdown(` + overMarch + `, by: [{kind: PLAN}], top: 1, currency: $currency, asOf: $asOf, filter: $filter) {
				rows { keys value entities { ...made } } rest { value entities { ...made } } total { value entities { ...made } }
			}
		}
	}` + madeOf
	pageOfCustomers = `query ($after: String) { metric(key: "mrr") {
		value(` + overMarch + `, currency: "EUR") { value entities(first: 1, after: $after) { ...made } } } }` + madeOf
	listedValue = `query ($key: String!) { metric(key: $key) { value(` + overMarch + `) { value entities { ...made } } } }` + madeOf

	madeOf = `
	fragment made on MetricEntityConnection {
		kind totalCount sum pageInfo { hasNextPage endCursor }
		edges { amount node { __typename ... on Person { userIds } ... on Account { groupId } ... on CustomerSubscription { externalId account { groupId } } } }
	}`
)

// made is what something is made of.
type made struct {
	Kind       string
	TotalCount int
	Sum        float64
	PageInfo   pageInfo
	Edges      []struct {
		Amount float64
		Node   struct {
			Typename   string `json:"__typename"`
			GroupID    string
			ExternalID string
			UserIDs    []string
		}
	}
}

type madeFigure struct {
	Value    float64
	Entities made
}

type customersAnswer struct {
	Metric struct {
		Value  madeFigure
		Series struct {
			Values   []float64
			Entities made
		}
		Breakdown struct {
			Rows        []madeFigure
			Rest, Total madeFigure
		}
	}
}

// words tell a list in short, after holding it against its figure.
func (m made) words(t *testing.T, value float64) string {
	t.Helper()
	var words []string
	sum := 0.0
	for _, e := range m.Edges {
		words = append(words, fmt.Sprint(e.Node.Typename, " ", e.Node.GroupID, e.Node.ExternalID, strings.Join(e.Node.UserIDs, "+"), " ", e.Amount))
		sum += e.Amount
	}
	wantEqual(t, "sum", m.Sum, value)
	wantEqual(t, "sum of the amounts", sum, value)
	wantEqual(t, "totalCount", m.TotalCount, len(m.Edges))
	return strings.Join(words, ", ")
}

func (a customersAnswer) words(t *testing.T) string {
	t.Helper()
	m := a.Metric
	if len(m.Series.Values) != 1 || len(m.Breakdown.Rows) != 1 {
		t.Fatalf("%d buckets and %d rows, want one of each", len(m.Series.Values), len(m.Breakdown.Rows))
	}
	value := m.Value.Entities.words(t, m.Value.Value)
	wantEqual(t, "the bucket", m.Series.Entities.words(t, m.Series.Values[0]), value)
	wantEqual(t, "the total", m.Breakdown.Total.Entities.words(t, m.Breakdown.Total.Value), value)
	row, rest := m.Breakdown.Rows[0], m.Breakdown.Rest
	return value + " = " + row.Entities.words(t, row.Value) + " + " + rest.Entities.words(t, rest.Value)
}

// subscribes says that an account pays for a plan since an instant, or whatever else is set.
func subscribes(id, account, plan, at, rest string) string {
	return fmt.Sprintf(`{"subscription": {"id": %q, "groupId": %q, "plan": %q, "status": "ACTIVE", "occurredAt": "2026-%sT10:00:00Z"%s}}`, id, account, plan, at, rest)
}

// customers of two plans: g1 has both and pays more in March, g2 comes, g3 leaves.
func (s story) customers(t *testing.T) {
	t.Helper()
	got := record(t, s, s.acme, dollar,
		`{"plan": {"key": "big", "amount": 1000, "currency": "EUR", "interval": "MONTH"}}`,
		`{"plan": {"key": "small", "amount": 100, "currency": "EUR", "interval": "MONTH"}}`,
		subscribes("s1", "g1", "big", "02-05", ""), subscribes("s1", "g1", "big", "03-05", `, "quantity": 2`),
		subscribes("s2", "g1", "small", "02-05", ""), subscribes("s3", "g2", "big", "03-06", ""),
		subscribes("s4", "g3", "small", "02-05", ""), subscribes("s4", "g3", "small", "03-07", `, "canceledAt": "2026-03-07T10:00:00Z"`))
	wantEqual(t, "recorded", got.RecordRevenue.Accepted, 9)
}

func (s story) listOf(t *testing.T, variables map[string]any) string {
	t.Helper()
	var got customersAnswer
	s.acme.Query(t, listedCustomers, variables, &got)
	return got.words(t)
}

func customersAreListed(t *testing.T, s story) {
	s.customers(t)
	big := object{"dimension": object{"kind": "PLAN"}, "operator": "NOT_EQUALS", "values": []string{"small"}}
	for key, want := range map[string]string{
		"mrr":              "Account g1 2100, Account g2 1000 = Account g1 2000, Account g2 1000 + Account g1 100",
		"arr":              "Account g1 25200, Account g2 12000 = Account g1 24000, Account g2 12000 + Account g1 1200",
		"mrr_new":          "Account g2 1000 = Account g2 1000 + ",
		"mrr_expansion":    "Account g1 1000 = Account g1 1000 + ",
		"mrr_churn":        "Account g3 100 = Account g3 100 + ",
		"net_mrr_movement": "Account g1 1000, Account g2 1000, Account g3 -100 = Account g1 1000, Account g2 1000 + Account g3 -100",
		"paying_customers": "Account g1 1, Account g2 1 = Account g1 1, Account g2 1 + Account g1 1",
	} {
		wantEqual(t, key, s.listOf(t, object{"key": key, "currency": "EUR"}), want)
	}
	wantEqual(t, "in dollars", s.listOf(t, object{"key": "mrr", "currency": "USD"}),
		"Account g1 2310, Account g2 1100 = Account g1 2200, Account g2 1100 + Account g1 110")
	var filtered customersAnswer
	s.acme.Query(t, listedCustomers, object{"key": "mrr", "currency": "EUR", "filter": big}, &filtered)
	v := filtered.Metric.Value
	wantEqual(t, "of one plan", v.Entities.words(t, v.Value), "Account g1 2000, Account g2 1000")

	var then string
	s.kit.Scan(t, `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`, nil, &then)
	record(t, s, s.acme, subscribes("s5", "g4", "big", "03-08", ""))
	wantEqual(t, "now", s.listOf(t, object{"key": "mrr_new", "currency": "EUR"}), "Account g2 1000, Account g4 1000 = Account g2 1000, Account g4 1000 + ")
	wantEqual(t, "as it was known", s.listOf(t, object{"key": "mrr_new", "currency": "EUR", "asOf": then}), "Account g2 1000 = Account g2 1000 + ")
}

func customersAreListedInPages(t *testing.T, s story) {
	s.customers(t)
	var all []string
	for after := (*string)(nil); ; {
		var got customersAnswer
		s.acme.Query(t, pageOfCustomers, object{"after": after}, &got)
		page := got.Metric.Value.Entities
		wantEqual(t, "of all pages", []any{page.TotalCount, page.Sum, len(page.Edges)}, []any{2, 3100.0, 1})
		all = append(all, page.Edges[0].Node.GroupID)
		if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
			break
		}
	}
	wantEqual(t, "the pages", strings.Join(all, " "), "g1 g2")
}

func trialsAreListed(t *testing.T, s story) {
	tried := func(id, account, plan, from, to string) string {
		return subscribes(id, account, plan, from, fmt.Sprintf(`, "trialStartsAt": "2026-%sT10:00:00Z", "trialEndsAt": "2026-%sT10:00:00Z"`, from, to))
	}
	record(t, s, s.acme, `{"plan": {"key": "pro", "amount": 1000, "currency": "EUR", "interval": "MONTH"}}`,
		tried("s1", "g1", "pro", "03-05", "03-07"), tried("s1", "g1", "pro", "03-15", "03-17"), tried("s2", "g1", "pro", "03-06", "03-20"),
		tried("s3", "g2", "pro", "02-06", "02-20"))
	var got customersAnswer
	s.acme.Query(t, listedValue, object{"key": "trials"}, &got)
	v := got.Metric.Value
	wantEqual(t, "trials", v.Entities.Kind+": "+v.Entities.words(t, v.Value), "SUBSCRIPTION: CustomerSubscription s1 2, CustomerSubscription s2 1")
}

func whatIsNotListed(t *testing.T, s story) {
	s.customers(t)
	for _, key := range []string{"nrr", "grr", "customer_churn", "arpa", "ltv", "quick_ratio", "trial_conversion", "stickiness", "feature_adoption", "events", "sessions"} {
		refused := s.kit.Ask(t, s.acme.ReadKey, listedValue, object{"key": key})
		if len(refused.Errors) != 1 || refused.Errors[0].Extensions.Field != "entities" {
			t.Errorf("%s: %+v, want it refused", key, refused.Errors)
		}
	}
	var none customersAnswer
	s.globex.Query(t, listedValue, object{"key": "paying_customers"}, &none)
	wantEqual(t, "of a stranger", none.Metric.Value.Entities.TotalCount, 0)
	missing := s.kit.Ask(t, s.acme.ReadKey, listedCustomers, object{"key": "mrr", "currency": "JPY"})
	if len(missing.Errors) == 0 || missing.Errors[0].Extensions.Field != "currency" {
		t.Errorf("without a rate: %+v", missing.Errors)
	}
}

func ownMetricsListWhatTheyCount(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	in := func(aggregation string) object {
		return object{"name": aggregation, "events": object{"aggregation": aggregation, "types": []string{"Sold"},
			"filter": object{"dimension": object{"kind": "PROPERTY", "name": "region"}, "operator": "EQUALS", "values": []string{"EU"}}}}
	}
	define(t, s.acme, "buyers", in("UNIQUE_USERS"))
	define(t, s.acme, "buying_accounts", in("UNIQUE_ACCOUNTS"))
	define(t, s.acme, "per_account", formulaOf("buyers / buying_accounts"))
	ask := `query ($key: String!) { metric(key: $key) {
		value(` + overMay + `) { value entities { ...made } }
		breakdown(` + overMay + `, by: [{kind: ACCOUNT}], top: 1) { rows { keys value entities { ...made } } rest { value entities { ...made } } total { value entities { ...made } } }
	} }` + madeOf
	for key, want := range map[string][3]string{
		"buyers":          {"Person ann 1, Person cem 1", "Person ann 1", "Person cem 1"},
		"buying_accounts": {"Account one 1, Account two 1", "Account one 1", "Account two 1"},
	} {
		var got customersAnswer
		s.acme.Query(t, ask, object{"key": key}, &got)
		v, b := got.Metric.Value, got.Metric.Breakdown
		wantEqual(t, key, v.Entities.words(t, v.Value), want[0])
		wantEqual(t, key+" in all", b.Total.Entities.words(t, b.Total.Value), want[0])
		wantEqual(t, key+" of the first account", b.Rows[0].Entities.words(t, b.Rows[0].Value), want[1])
		wantEqual(t, key+" of the rest", b.Rest.Entities.words(t, b.Rest.Value), want[2])
	}
	refused := s.kit.Ask(t, s.acme.ReadKey, ask, object{"key": "per_account"})
	if len(refused.Errors) == 0 || refused.Errors[0].Extensions.Field != "entities" {
		t.Errorf("a formula: %+v", refused.Errors)
	}
}

func aListIsPushed(t *testing.T, s story) {
	s.customers(t)
	watching := watchSocket(t, s.kit, s.acme.ReadKey, live(`metric(key: "mrr_new") {
		value(`+overMarch+`, currency: "EUR") { value entities { totalCount sum nodes { ... on Account { groupId } } } } }`))
	wantNext(t, watching, `"value":1000,"entities":{"totalCount":1,"sum":1000,"nodes":[{"groupId":"g2"}]}`)
	record(t, s, s.acme, subscribes("s6", "g5", "small", "03-09", ""))
	wantNext(t, watching, `"value":1100,"entities":{"totalCount":2,"sum":1100,"nodes":[{"groupId":"g2"},{"groupId":"g5"}]}`)
}
