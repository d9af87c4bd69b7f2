import { type Example, example } from './example';

/** Examples of how well accounts do. */
export const health: Example[] = [
  example(
    'AccountsByHealth',
    `Those at risk first: what their score is made of, and how
it went.`,
    `
query AccountsByHealth {
  accounts(orderBy: HEALTH, direction: ASCENDING, first: 10) {
    nodes {
      name
      health {
        score
        band
        contributions {
          name
          state
          value
          contribution
        }
        trend(days: 30) {
          days
          scores
        }
      }
    }
  }
}`,
  ),
  example(
    'HealthChanges',
    `Who came into another band of health, the latest first;
live, it is what an alert is made of.`,
    `
query HealthChanges {
  healthChanges(into: [AT_RISK], first: 10) {
    nodes {
      at
      account {
        name
      }
      from
      to
      cause
    }
  }
}`,
  ),
  example(
    'HealthModel',
    `What counts for the health of accounts, and how far the
scores are.`,
    `
query HealthModel {
  healthModel {
    inputs {
      name
      kind
      weight
      worst
      best
    }
    calculation {
      state
      progress
      calculatedAt
    }
  }
}`,
  ),
  example(
    'HealthPreview',
    `Needs a management key. What all accounts would come to,
before it is saved; medians help to find limits.`,
    `
query HealthPreview {
  healthPreview(
    inputs: [
      {
        key: "people"
        name: "People at work"
        kind: ACTIVE_PEOPLE
        days: 14
        worst: 0
        best: 5
      }
    ]
  ) {
    bands
    counts
    before
    inputs {
      median
      upperQuartile
    }
  }
}`,
  ),
  example(
    'SetHealthModel',
    `Needs a management key. What counts: people at work, and
how long ago anybody was there.`,
    `
mutation SetHealthModel {
  setHealthModel(
    inputs: [
      {
        key: "people"
        name: "People at work"
        kind: ACTIVE_PEOPLE
        weight: 2
        days: 14
        worst: 0
        best: 5
      }
      {
        key: "seen"
        name: "Last seen"
        kind: LAST_SEEN
        worst: 30
        best: 0
      }
    ]
  ) {
    version
  }
}`,
  ),
  example(
    'OverrideHealth',
    `Needs a management key. A score that holds instead of what
is calculated, for a time.`,
    `
mutation OverrideHealth {
  overrideHealth(
    account: "id of an account"
    score: 30
    reason: "Their champion has left."
    expiresAt: "2027-01-31T00:00:00Z"
  ) {
    health {
      score
      calculated
    }
  }
}`,
  ),
  example(
    'EndHealthOverride',
    `Needs a management key. Lets what is calculated hold again.`,
    `
mutation EndHealthOverride {
  endHealthOverride(account: "id of an account") {
    health {
      score
    }
  }
}`,
  ),
];
