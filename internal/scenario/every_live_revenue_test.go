package scenario_test

import "testing"

// fieldsOfRevenue are of what customers pay.
var fieldsOfRevenue = []followed{
	{field: "Tenant.churnRule", watch: `tenant { name churnRule }`, change: `update tenant set churn_rule = 'CANCELLATION' where tenant_id = $1`, want: `"CANCELLATION"`},
	{field: "Query.plans", watch: `plans { nodes { name } }`, change: `update plan set name = 'Plan {n}' where tenant_id = $1`, want: `"Plan {n}"`},
	{field: "Query.subscriptions", watch: `subscriptions { nodes { quantity } }`, change: `update subscription set quantity = 1{n} where tenant_id = $1`, want: `"quantity":1{n}`},
	{field: "CustomerSubscription.plan", watch: `subscriptions { nodes { plan { name } } }`, change: `update plan set name = 'Subscribed {n}' where tenant_id = $1`, want: `"Subscribed {n}"`},
	{field: "CustomerSubscription.account", watch: `subscriptions { nodes { account { traits } } }`, change: seated, want: `"seats":{n}`},
	{field: "Query.subscription", watch: `subscription(id: "{subscription}") { quantity }`, change: `update subscription set quantity = 2{n} where tenant_id = $1`, want: `"quantity":2{n}`},
	{field: "Query.invoices", watch: `invoices { nodes { number } }`, change: `update invoice set number = 'I-{n}' where tenant_id = $1`, want: `"I-{n}"`},
	{field: "Query.payments", watch: `payments { nodes { reason } }`, change: `update payment set reason = 'Because {n}' where tenant_id = $1`, want: `"Because {n}"`},
	{field: "Query.mrrMovements", watch: `mrrMovements { nodes { amount { amount } } }`, change: `update mrr_movement set amount = 10{n} where tenant_id = $1`, want: `"amount":10{n}`},
	{field: "Query.exchangeRates", watch: `exchangeRates { nodes { rate } }`, change: `update fx_rate set rate = 2.{n} where tenant_id = $1`, want: `"2.{n}`},

	{field: "Account.subscriptions", watch: `account(groupId: "g1") { subscriptions { nodes { quantity } } }`, change: `update subscription set quantity = 3{n} where tenant_id = $1`, want: `"quantity":3{n}`},
	{field: "Account.mrr", watch: `account(groupId: "g1") { mrr { amount } }`, change: `update mrr_movement set amount = 20{n} where tenant_id = $1`, want: `"amount":20{n}`},
	{field: "Account.plan", watch: `account(groupId: "g1") { plan { name } }`, change: `update plan set name = 'Of One {n}' where tenant_id = $1`, want: `"Of One {n}"`},
	{field: "Account.invoices", watch: `account(groupId: "g1") { invoices { nodes { number } } }`, change: `update invoice set number = 'J-{n}' where tenant_id = $1`, want: `"J-{n}"`},
	{field: "Account.mrrMovements", watch: `account(groupId: "g1") { mrrMovements { nodes { amount { amount } } } }`, change: `update mrr_movement set amount = 30{n} where tenant_id = $1`, want: `"amount":30{n}`},
	{field: "Query.accounts", watch: `accounts(orderBy: MRR, first: 1) { nodes { groupId } }`,
		change: `update mrr_movement set account_id = (select account_id from account where tenant_id = $1 and group_id = 'other{n}') where tenant_id = $1`, want: `"other{n}"`},
	{field: "MrrEntry.movement", watch: `account(groupId: "other{n}") { timeline(filter: {kinds: [MRR]}) { nodes { ... on MrrEntry { movement { amount { amount } } } } } }`,
		change: `update mrr_movement set amount = 40{n} where tenant_id = $1`, want: `"amount":40{n}`},
	{field: "SubscriptionEntry.subscription", watch: `account(groupId: "g1") { timeline(filter: {kinds: [SUBSCRIPTION]}) { nodes { ... on SubscriptionEntry { subscription { quantity } } } } }`,
		change: `update subscription set quantity = 4{n} where tenant_id = $1`, want: `"quantity":4{n}`},
	{field: "InvoiceEntry.invoice", watch: `account(groupId: "g1") { timeline(filter: {kinds: [INVOICE]}) { nodes { ... on InvoiceEntry { invoice { number } } } } }`,
		change: `update invoice set number = 'K-{n}' where tenant_id = $1`, want: `"K-{n}"`},
	{field: "PaymentEntry.payment", watch: `account(groupId: "g1") { timeline(filter: {kinds: [PAYMENT]}) { nodes { ... on PaymentEntry { payment { reason } } } } }`,
		change: `update payment set reason = 'Line {n}' where tenant_id = $1`, want: `"Line {n}"`},
	{field: "Metric.value", watch: `metric(key: "mrr") { value(currency: "EUR", range: {from: "2026-04-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}) { value } }`,
		change: `update mrr_movement set amount = 5{n}00 where tenant_id = $1`, want: `"value":5{n}`},
	{field: "Metric.value", watch: `metric(key: "mrr") { value(currency: "USD", range: {from: "2026-04-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}) { value } }`,
		change: `update fx_rate set rate = 1 where tenant_id = $1`, want: `"value":5{n}`},

	{field: "Query.node", watch: `node(id: "{price}") { ... on Plan { name } }`, change: `update plan set name = 'Node {n}' where tenant_id = $1`, want: `"Node {n}"`},
	{field: "Query.node", watch: `node(id: "{invoice}") { ... on Invoice { number } }`, change: `update invoice set number = 'N-{n}' where tenant_id = $1`, want: `"N-{n}"`},
	{field: "Query.node", watch: `node(id: "{payment}") { ... on Payment { reason } }`, change: `update payment set reason = 'Node {n}' where tenant_id = $1`, want: `"Node {n}"`},
	{field: "Query.node", watch: `node(id: "{rate}") { ... on ExchangeRate { rate } }`, change: `update fx_rate set rate = 3.{n} where tenant_id = $1`, want: `"3.{n}`},
	{field: "Query.node", watch: `node(id: "{movement}") { ... on MrrMovement { amount { amount } } }`, change: `update mrr_movement set amount = 60{n} where tenant_id = $1`, want: `"amount":60{n}`},
}

const seated = `update profile set traits = traits || '{"seats":{n}}' where tenant_id = $1 and subject = 'account'`

// hasRevenue gives companies what is paid to them.
func hasRevenue(t *testing.T, s story, worlds ...world) {
	for _, w := range worlds {
		revenueOf(t, s, w.Tenant)
		tellOf(t, s, w.Tenant, said("g1", "group", `"userId":"ann","groupId":"g1","traits":{"seats":1}`),
			said("g2", "group", `"userId":"ann","groupId":"other`+w.number+`"`))
	}
}
