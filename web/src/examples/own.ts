import { type Example, example } from './example';

/** Examples of reports, and metrics of a tenant's own. */
export const own: Example[] = [
  example(
    'Reports',
    `The reports of the tenant with what they answer now, and
those that other tenants share with it.`,
    `
query Reports {
  reports(first: 10) {
    nodes {
      id
      name
      result
    }
  }
  sharedReports(first: 10) {
    nodes {
      id
      name
      sharedBy
      result
    }
  }
}`,
  ),
  example(
    'OneReport',
    `One report by its id, and one that another tenant shares.`,
    `
query OneReport {
  report(id: "id of a report") {
    name
    document
    result
  }
  sharedReport(id: "id of a shared report") {
    name
    sharedBy
    result
  }
}`,
  ),
  example(
    'PreviewMetric',
    `Needs a management key. What a metric of your own would
give over the last 90 days, before it is saved.`,
    `
query PreviewMetric {
  previewMetric(
    input: { name: "Events per user", formula: "events / active_users" }
  ) {
    total {
      value
      comparisons {
        kind
        ratio
      }
    }
    series {
      at
      values
    }
    problems {
      field
      message
      blocking
    }
    explanation {
      milliseconds
      rows
    }
  }
}`,
  ),
  example(
    'CreateMetric',
    `Needs a management key. Defines a metric: what is counted of
which events. It can then be asked for like any other.`,
    `
mutation CreateMetric {
  createMetric(
    key: "sharers"
    input: {
      name: "Users who share"
      direction: UP_IS_GOOD
      events: { types: ["Report Shared"], aggregation: UNIQUE_USERS }
    }
  ) {
    key
    version
  }
}`,
  ),
  example(
    'UpdateMetric',
    `Needs a management key. Saves a new version of it, and
gives another one up.`,
    `
mutation UpdateMetric {
  updateMetric(
    key: "sharers"
    input: {
      name: "Share of users who share"
      formula: "sharing_users / active_users"
      unit: RATIO
    }
  ) {
    version
  }
  removeMetric(key: "an_old_one")
}`,
  ),
  example(
    'ExplainMetric',
    `From where figures are read, why, and what that costs;
and the versions of a metric that the tenant has defined.`,
    `
query ExplainMetric {
  metric(key: "events") {
    version
    explain(range: { last: { count: 90, interval: DAY } }, interval: DAY) {
      sources
      readings {
        metrics
        reasons
        statements {
          name
          tables
          milliseconds
          rows
          blocks
        }
      }
    }
    versions {
      nodes {
        number
        definition
        savedAt
      }
    }
  }
}`,
  ),
  example(
    'SaveReport',
    `Needs a management key. Keeps a query as a report.`,
    `
mutation SaveReport {
  saveReport(
    report: { name: "Names of metrics", document: "{ metrics { nodes { name } } }" }
  ) {
    id
    result
  }
}`,
  ),
  example(
    'ShareReport',
    `Needs a management key. Shows a report to another tenant,
for events of one region; takes it back, and gives it up.`,
    `
mutation ShareReport {
  shareReport(
    id: "id of a report"
    tenant: "id of the other tenant"
    rows: { events: [{ property: ["region"], in: ["EU"] }] }
  ) {
    id
    rows
  }
  unshareReport(id: "id of the share") {
    endedAt
  }
  deleteReport(id: "id of a report")
}`,
  ),
];
