import { type Example, example } from './example';

/** Examples of live queries, which come first. */
export const live: Example[] = [
  example(
    'Tenant',
    `Whose data this key opens, and where its days begin.
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
    `Today's events, live. It answers at once, and again
whenever the figure has changed, until you press stop.`,
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
    `The last six hours, live; the last one is still running.
Run IngestEvents in a second window, and see it grow.`,
    `
subscription LiveTimeline {
  live {
    revision
    query {
      events(range: { last: { count: 6, interval: HOUR } }) {
        count
        timeline(interval: HOUR) {
          counts
          at
          complete
        }
      }
    }
  }
}`,
  ),
  example(
    'LivePatches',
    `What has changed, instead of the whole answer again; at
most one a second. See docs/live.md for React.`,
    `
subscription LivePatches {
  live(patch: true, minInterval: 1000) {
    revision
    base
    patch
    query {
      metric(key: "events") {
        series(range: { last: { count: 30, interval: DAY } }) {
          at
          values
        }
      }
    }
  }
}`,
  ),
  example(
    'LiveDashboard',
    `A whole dashboard, live: any query can be watched, and
all of its parts come in one answer.`,
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
];
