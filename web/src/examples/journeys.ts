import { type Example, example } from './example';

/** Examples of what people do one thing after the other. */
export const journeys: Example[] = [
  example(
    'Retention',
    `Who comes back, week by week: what a heat map needs.
Cells that are not over yet stay out of the average.`,
    `
query Retention {
  retention(startEvent: {}, interval: WEEK, periods: 8) {
    at
    sizes
    rates
    complete
    average
    columns {
      from
    }
    watermark
  }
}`,
  ),
  example(
    'Funnel',
    `How far people come within a week, and how long it takes.
Each step lists who dropped out there.`,
    `
query Funnel {
  funnel(
    steps: [
      { types: ["Signed Up"] }
      { types: ["Document Created"] }
      { types: ["Document Shared"] }
    ]
    within: { days: 7 }
  ) {
    steps {
      number
      count
      conversion
      timeFromPrevious {
        median
      }
      dropped(first: 5) {
        totalCount
        nodes {
          ... on Person {
            id
          }
        }
      }
    }
    open
  }
}`,
  ),
  example(
    'Lifecycle',
    `How users come and go, week by week. Active users are
the new, the returning and the resurrecting ones.`,
    `
query Lifecycle {
  lifecycle(interval: WEEK, range: { last: { count: 12, interval: WEEK } }) {
    at
    new
    returning
    resurrecting
    dormant
    complete
  }
}`,
  ),
  example(
    'Paths',
    `What people do after they have signed up: the most
frequent ways, as a tree in a list.`,
    `
query Paths {
  paths(event: { types: ["Signed Up"] }, depth: 3, breadth: 4) {
    count
    nodes {
      step
      parent
      type
      count
      ended
    }
  }
}`,
  ),
];
