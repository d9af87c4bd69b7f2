/** A query that the playground opens as a tab. */
export interface Example {
  /** The operation's name, which is also the tab's. */
  name: string;
  /** What it shows, in a line or two. */
  about: string;
  /** The GraphQL document, `about` standing above it as a comment. */
  document: string;
}

function example(name: string, about: string, operation: string): Example {
  const comment = about.replace(/^/gm, '# ');
  return { name, about, document: `${comment}\n${operation.trim()}\n` };
}

/** One example at least for each thing that can be asked, changed and watched. */
export const examples: Example[] = [
  example(
    'Tenant',
    `Whose data this key opens, and how its days and weeks are cut.
Press the play button, or Ctrl+Enter.`,
    `
query Tenant {
  tenant {
    id
    name
    zone
    weekStart
    createdAt
  }
}`,
  ),
  example(
    'LiveMetric',
    `A figure, live: stop and start it with the play button.
It answers at once, and again whenever the figure has changed.`,
    `
subscription LiveMetric {
  live {
    revision
    query {
      metric(key: "events") {
        name
        value(range: { last: { count: 1, interval: DAY } }) {
          value
        }
      }
    }
  }
}`,
  ),
  example(
    'LiveTimeline',
    `The last 24 hours, live, hour by hour; the running hour is not complete yet.
Run IngestEvents in a second window, and watch it grow here.`,
    `
subscription LiveTimeline {
  live {
    revision
    query {
      events(range: { last: { count: 24, interval: HOUR } }) {
        count
        timeline(interval: HOUR) {
          at
          counts
          complete
        }
      }
    }
  }
}`,
  ),
  example(
    'LiveDashboard',
    `Any query can be live, a whole dashboard too: one subscription, one answer,
all of it read at the same moment.`,
    `
subscription LiveDashboard {
  live {
    revision
    query {
      today: metric(key: "active_users") {
        name
        value(range: { last: { count: 1, interval: DAY } }) {
          value
        }
      }
      trend: metric(key: "events") {
        name
        series(range: { last: { count: 14, interval: DAY } }) {
          at
          values
        }
      }
      top: events(range: { last: { count: 7, interval: DAY } }) {
        byType(first: 5) {
          types
          counts
        }
      }
    }
  }
}`,
  ),
  example(
    'Metrics',
    'Every figure that can be asked for: its key, what it counts, and in what unit.',
    `
query Metrics {
  metrics(first: 50) {
    totalCount
    nodes {
      id
      key
      name
      description
      unit
      additive
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,
  ),
  example(
    'MetricValue',
    `One figure for three ranges at once, told apart by aliases. The watermark says
up to where it counts; a range that ends later is not complete.`,
    `
query MetricValue {
  metric(key: "active_users") {
    name
    unit
    today: value(range: { last: { count: 1, interval: DAY } }) {
      ...Figure
    }
    sevenDays: value(range: { last: { count: 7, interval: DAY } }) {
      ...Figure
    }
    thirtyDays: value {
      ...Figure
    }
  }
}

fragment Figure on MetricValue {
  value
  complete
  exact
  watermark
  range {
    from
    to
  }
}`,
  ),
  example(
    'MetricSeries',
    `The same figure by hour, day, week and month. Distinct users don't add up:
somebody active on two days is one user of the week.`,
    `
query MetricSeries {
  metric(key: "active_users") {
    name
    additive
    byHour: series(range: { last: { count: 24, interval: HOUR } }, interval: HOUR) {
      ...Steps
    }
    byDay: series(range: { last: { count: 14, interval: DAY } }, interval: DAY) {
      ...Steps
    }
    byWeek: series(
      range: { last: { count: 8, interval: WEEK } }
      interval: WEEK
      weekStart: MONDAY
    ) {
      ...Steps
    }
    byMonthInKolkata: series(
      range: { last: { count: 3, interval: MONTH } }
      interval: MONTH
      zone: "Asia/Kolkata"
    ) {
      ...Steps
    }
  }
}

fragment Steps on MetricSeries {
  zone
  at
  values
  complete
}`,
  ),
  example(
    'EventTypes',
    'How many events the last 30 days had, and of which types: types[i] goes with counts[i].',
    `
query EventTypes {
  events {
    count
    byType(first: 10) {
      types
      counts
      totalCount
    }
    range {
      from
      to
    }
    watermark
    exact
  }
}`,
  ),
  example(
    'EventTimeline',
    `Events by day, in a zone of your choice: at[i] is where the day of counts[i] starts.
Add types: ["…"] to see only some.`,
    `
query EventTimeline {
  events(range: { last: { count: 14, interval: DAY } }, zone: "Europe/Berlin") {
    count
    zone
    timeline(interval: DAY) {
      at
      counts
      complete
    }
  }
}`,
  ),
  example(
    'EventList',
    `The latest events themselves. For the next page, pass endCursor as after.`,
    `
query EventList {
  events(range: { last: { count: 7, interval: DAY } }) {
    list(first: 10) {
      totalCount
      nodes {
        id
        type
        occurredAt
        userId
        anonymousId
        properties
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}`,
  ),
  example(
    'Node',
    `Anything with an id can be fetched again by it. Run Tenant, Metrics or EventList,
and paste an id from its answer.`,
    `
query Node {
  node(id: "paste an id here") {
    __typename
    id
    ... on Tenant {
      name
    }
    ... on Metric {
      key
      name
    }
    ... on Event {
      type
      occurredAt
      properties
    }
  }
}`,
  ),
  example(
    'IngestEvents',
    `Sends three events. It needs a key that may write, picked above: others are answered FORBIDDEN.
Each event gets a verdict of its own; the third has no type, and keeps the others out of nothing.`,
    `
mutation IngestEvents {
  ingestEvents(
    events: [
      { type: "Report Shared", userId: "ada", properties: { plan: "pro", seats: 3 } }
      { type: "$page", anonymousId: "a-phone", context: { page: { path: "/pricing" } } }
      { type: "", userId: "grace" }
    ]
  ) {
    accepted
    duplicates
    conflicts
    rejected
    verdicts {
      messageId
      status
      field
      reason
    }
  }
}`,
  ),
];
