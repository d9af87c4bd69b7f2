import { type Example, example } from './example';

/** Examples of events, and how they come in. */
export const events: Example[] = [
  example(
    'EventTypes',
    `How many events the last 30 days had, and of which types:
there are counts[i] events of types[i].`,
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
    `Events by day, in any time zone: the day that starts at
at[i] has counts[i]. Add types: ["…"] to see only some.`,
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
    `The latest events themselves. The next page comes with
after: the endCursor of this one.`,
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
    'EventStream',
    `Events as they are stored, each once and in order.
Run IngestEvents in a second window, and see them come.`,
    `
subscription EventStream {
  eventStream(maxRate: 50) {
    events {
      type
      occurredAt
      userId
      properties
    }
    cursor
    skipped
  }
}`,
  ),
  example(
    'Node',
    `Anything that has an id can be fetched by it: run Tenant,
Metrics or EventList, and paste an id of its answer.`,
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
    `Needs a key that may write: pick or paste one above.
Each event gets its verdict; the third lacks a type.`,
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
