import { type Example, example } from './example';

/** Examples of revenue: facts, and what is known of customers. */
export const revenue: Example[] = [
  example(
    'RecordRevenue',
    `Needs a write key. Says what is known of subscriptions and
rates; how MRR moved follows from it, late facts included.`,
    `
mutation RecordRevenue {
  recordRevenue(
    items: [
      { plan: { key: "pro", amount: 200000, currency: "EUR", interval: YEAR } }
      {
        subscription: {
          id: "sub-1"
          groupId: "acme"
          plan: "pro"
          status: ACTIVE
          occurredAt: "2026-03-05T10:00:00Z"
        }
      }
      { rate: { base: "EUR", currency: "USD", day: "2026-03-05", rate: "1.0842" } }
    ]
  ) {
    accepted
    verdicts {
      kind
      id
      status
      field
      reason
    }
  }
}`,
  ),
  example(
    'Revenue',
    `Needs READ_REVENUE. What customers pay, and how it moved.`,
    `
query Revenue {
  plans {
    nodes {
      key
      price {
        amount
        currency
      }
      interval
    }
  }
  subscriptions(status: ACTIVE, first: 10) {
    nodes {
      id
      externalId
      account {
        groupId
      }
      monthly {
        amount
        currency
      }
    }
  }
  mrrMovements(first: 20) {
    nodes {
      at
      kind
      amount {
        amount
        currency
      }
    }
  }
  invoices(first: 10) {
    nodes {
      number
      status
      total {
        amount
        currency
      }
    }
  }
  payments(first: 10) {
    nodes {
      kind
      amount {
        amount
        currency
      }
    }
  }
  exchangeRates(first: 10) {
    nodes {
      base
      currency
      day
      rate
    }
  }
}`,
  ),
  example(
    'Subscription',
    `One subscription, by its id.`,
    `
query Subscription {
  subscription(id: "id of a subscription") {
    externalId
    status
    plan {
      name
    }
    periodEndsAt
  }
}`,
  ),
  example(
    'SetChurnRule',
    `Needs a management key. Says when a cancelled subscription
stops counting: at the end of what was paid for, or at once.`,
    `
mutation SetChurnRule {
  setChurnRule(rule: PERIOD_END) {
    churnRule
  }
}`,
  ),
];
