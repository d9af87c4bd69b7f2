import { type Example, example } from './example';

/** Examples of what is sent, and the plan that it is held against. */
export const registry: Example[] = [
  example(
    'ObservedTypes',
    `What events come in, as observed: their properties, of
which kinds, how many, since when.`,
    `
query ObservedTypes {
  eventTypes(first: 20) {
    totalCount
    nodes {
      name
      volume
      lastSeenAt
      planned
      typeChanged
      properties(first: 10) {
        name
        kinds {
          kind
          volume
          sample
        }
      }
    }
  }
}`,
  ),
  example(
    'EventTypeByName',
    `One type of events, and what lately changed about all.`,
    `
query EventTypeByName {
  eventType(name: "$page") {
    volume
    firstSeenAt
    propertyCount
  }
  schemaChanges(first: 10) {
    nodes {
      change
      eventType
      property
      kind
      was
      occurredAt
    }
  }
}`,
  ),
  example(
    'TrackingPlan',
    `What events ought to be, what was found against it, and
what is kept aside. Null until SaveTrackingPlan has run.`,
    `
query TrackingPlan {
  trackingPlan {
    version
    onUnknownType
    events {
      type
      onViolation
    }
  }
  trackingPlans(first: 5) {
    totalCount
  }
  planViolations(first: 20) {
    nodes {
      eventType
      property
      rule
      volume
      lastSeenAt
    }
  }
  quarantinedEvents(first: 20) {
    nodes {
      id
      type
      field
      reason
      receivedAt
    }
  }
}`,
  ),
  example(
    'SaveTrackingPlan',
    `Needs a management key. As a preview it saves nothing, and
tells what it would have made of stored events.`,
    `
mutation SaveTrackingPlan {
  saveTrackingPlan(
    preview: true
    plan: {
      onUnknownType: REPORT
      events: [
        {
          type: "Report Shared"
          onViolation: QUARANTINE
          properties: [
            { name: "plan", required: true, kinds: [STRING] }
            { name: "seats", kinds: [NUMBER] }
          ]
        }
      ]
    }
  ) {
    plan {
      version
    }
    preview {
      __typename
    }
  }
}`,
  ),
  example(
    'ReleaseQuarantined',
    `Needs a management key. Lets in what the plan now allows,
and forgets what was put aside of another type.`,
    `
mutation ReleaseQuarantined {
  releaseQuarantinedEvents(types: ["Report Shared"]) {
    released
    more
  }
  discardQuarantinedEvents(types: ["Debug"]) {
    discarded
  }
}`,
  ),
  example(
    'ForgetSamples',
    `Needs a management key. Forgets the sample values that
the registry keeps of properties.`,
    `
mutation ForgetSamples {
  forgetPropertySamples
}`,
  ),
];
