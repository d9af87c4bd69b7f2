import { type Example, example } from './example';

/** Examples of cohorts. */
export const cohorts: Example[] = [
  example(
    'Cohorts',
    `The cohorts of the tenant, how they are found, and who
entered and left them.`,
    `
query Cohorts {
  cohorts(first: 10) {
    nodes {
      id
      name
      kind
      size
      evaluatedAt
      evaluations(first: 1) {
        nodes {
          state
          progress
          entered
          left
          problem
        }
      }
      changes(first: 5) {
        nodes {
          at
          entered
          person {
            id
          }
        }
      }
    }
  }
}`,
  ),
  example(
    'OneCohort',
    `One cohort by its id, with its members and those that ask
for it.`,
    `
query OneCohort {
  cohort(id: "id of a cohort") {
    name
    members(first: 20) {
      nodes {
        enteredAt
        person {
          id
        }
      }
    }
    usedBy {
      name
    }
  }
}`,
  ),
  example(
    'CohortPreview',
    `Needs a management key. Who did something in the last 30
days, and not in the last seven.`,
    `
query CohortPreview {
  cohortPreview(
    condition: {
      and: [
        { did: { within: { last: { count: 30, interval: DAY } } } }
        {
          did: {
            times: EXACTLY
            count: 0
            within: { last: { count: 7, interval: DAY } }
          }
        }
      ]
    }
  ) {
    size
    known
    share
  }
}`,
  ),
  example(
    'CreateCohort',
    `Needs a management key. Keeps who bought at least three
times, and finds them again when they may be others.`,
    `
mutation CreateCohort {
  createCohort(
    cohort: {
      name: "Regulars"
      condition: { did: { types: ["Order Completed"], count: 3 } }
    }
  ) {
    id
  }
}`,
  ),
  example(
    'ChangeCohort',
    `Needs a management key. Changes what a cohort is.`,
    `
mutation ChangeCohort {
  changeCohort(
    id: "id of a cohort"
    cohort: {
      name: "Faithful"
      condition: { did: { types: ["Order Completed"], count: 10 } }
    }
  ) {
    version
  }
}`,
  ),
  example(
    'EvaluateCohort',
    `Needs a management key. Has a cohort found now.`,
    `
mutation EvaluateCohort {
  evaluateCohort(id: "id of a cohort") {
    id
  }
}`,
  ),
  example(
    'DeleteCohort',
    `Needs a management key. Gives up a cohort that no other
asks for.`,
    `
mutation DeleteCohort {
  deleteCohort(id: "id of a cohort")
}`,
  ),
];
