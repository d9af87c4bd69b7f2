import { type Example, example } from './example';

/** Examples of figures of metrics: asked for, summarized, told apart. */
export const figures: Example[] = [
  example(
    'Metrics',
    `Every figure that can be asked for: its key, its unit,
and what exactly is counted.`,
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
    `One figure for three ranges, told apart by aliases.
Everything up to the watermark is counted in it.`,
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
    'Summaries',
    `What was kept of each month that is over, what it was before
if it was restated, and the days as parallel lists.`,
    `
query Summaries {
  metric(key: "active_users") {
    summaries(period: MONTH, first: 12) {
      nodes {
        start
        value
        version
        recordedAt
        history {
          value
          recordedAt
          supersededAt
        }
      }
    }
    summarySeries(period: DAY) {
      starts
      values
      restated
    }
  }
}`,
  ),
  example(
    'Restatements',
    `Figures of days, weeks and months that were over and have
changed since, and why. Live, it tells when that happens.`,
    `
query Restatements {
  restatements(first: 20) {
    nodes {
      metric {
        key
      }
      period
      start
      before
      after
      change
      causes
      lateEvents
      because
      recordedAt
    }
  }
}`,
  ),
  example(
    'MaterializedViews',
    `How fresh the views of closed days are. What is not fresh
is counted from rollups, so that no answer is ever behind.`,
    `
query MaterializedViews {
  materializedViews {
    nodes {
      name
      state
      reason
      lastRefreshedAt
      lastDuration
      staleDays
      closedDays
      freshUntil
      error
    }
  }
}`,
  ),
  example(
    'MetricSeries',
    `One figure by hour, day, week and month. Users don't add
up: who is active on two days is one user of the week.`,
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
    'MetricBreakdown',
    `The events of the last 30 days by type and system, beside
the 30 days before. What the rows leave is the rest.`,
    `
query MetricBreakdown {
  metric(key: "events") {
    breakdown(
      by: [{ kind: TYPE }, { kind: CONTEXT, name: "os.name" }]
      top: 5
      range: { last: { count: 30, interval: DAY } }
      compare: [{ kind: PREVIOUS_PERIOD }]
    ) {
      groupCount
      rows {
        ...Group
      }
      rest {
        ...Group
      }
      total {
        ...Group
      }
      exact
      sources
    }
  }
}

fragment Group on MetricRow {
  keys
  value
  comparisons {
    value
    difference
    ratio
  }
}`,
  ),
  example(
    'MetricFiltered',
    `Users by day who did something other than look at pages,
with the mean of seven days. Dots lead into objects.`,
    `
query MetricFiltered {
  metric(key: "active_users") {
    series(
      range: { last: { count: 28, interval: DAY } }
      movingAverage: 7
      filter: {
        and: [
          { dimension: { kind: TYPE }, operator: NOT_EQUALS, values: ["$page", "$screen"] }
          { dimension: { kind: CONTEXT, name: "os.name" }, operator: IS_SET }
        ]
      }
    ) {
      at
      values
      movingAverage
      complete
      sources
    }
    unset: value(
      filter: { not: { dimension: { kind: CONTEXT, name: "os.name" }, operator: IS_SET } }
    ) {
      value
    }
  }
}`,
  ),
  example(
    'MetricOfThePast',
    `The figures of March as they were known on the 2nd of April,
before late events and merges, and as they are known now.`,
    `
query MetricOfThePast {
  metric(key: "active_users") {
    then: value(
      range: { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" }
      asOf: "2026-04-02T00:00:00Z"
    ) {
      value
      asOf
      exact
    }
    now: value(range: { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" }) {
      value
      asOf
      exact
    }
  }
}`,
  ),
];
