import { type Example, example } from './example';

/** Examples of people, and corrections of who is who. */
export const people: Example[] = [
  example(
    'Person',
    `Somebody with all their devices, what is known of them,
and the account that they belong to.`,
    `
query Person {
  person(userId: "ada") {
    id
    userIds
    firstSeenAt
    traits
    identities {
      nodes {
        id
        kind
        value
        linkedAt
        detached
      }
    }
    traitHistory(first: 10) {
      nodes {
        saidAt
        name
        value
      }
    }
  }
  account(groupId: "acme") {
    groupId
    traits
    members {
      nodes {
        userIds
      }
    }
  }
  personMerges(first: 10) {
    nodes {
      id
      reason
      madeAt
      undoneAt
    }
  }
}`,
  ),
  example(
    'RecordTickets',
    `Needs a write key. Says how tickets of support stand; the
latest state of each is kept, in whatever order they come.`,
    `
mutation RecordTickets {
  recordTickets(
    items: [
      {
        id: "4711"
        source: "zendesk"
        subject: "The export stops"
        status: OPEN
        priority: HIGH
        userId: "ada"
        groupId: "acme"
        openedAt: "2026-05-04T09:00:00Z"
        updatedAt: "2026-05-04T09:00:00Z"
      }
    ]
  ) {
    accepted
    verdicts {
      id
      status
      field
      reason
    }
  }
}`,
  ),
  example(
    'Tickets',
    `What an account asked of support and still waits for, and
how long it waited for the first word.`,
    `
query Tickets {
  account(groupId: "acme") {
    openTickets
    tickets(first: 10, statuses: [OPEN, PENDING, ON_HOLD]) {
      nodes {
        subject
        status
        priority
        openedAt
        secondsToFirstReply
        person {
          userIds
        }
      }
    }
  }
}`,
  ),
  example(
    'Customers',
    `The accounts by name, what is known of each in order of
time, and the people who are called so.`,
    `
query Customers {
  accounts(first: 10, orderBy: NAME) {
    totalCount
    nodes {
      id
      name
      domain
      lastSeenAt
      owner {
        name
      }
      plan {
        name
      }
      notes(first: 3) {
        nodes {
          id
          text
        }
      }
      timeline(first: 5) {
        nodes {
          __typename
          ... on EventEntry {
            at
            event {
              type
            }
          }
        }
      }
      usage(first: 5) {
        types
        counts
      }
    }
  }
  people(search: "ada", first: 5) {
    nodes {
      name
      email
    }
  }
}`,
  ),
  example(
    'Notes',
    `Needs a management key. Who looks after a customer, and
what is noted of one, written, changed and removed.`,
    `
mutation Notes {
  setOwner(of: "an account's id", owner: "a member's id") {
    __typename
  }
  addNote(to: "an account's id", text: "Wants an invoice.") {
    id
  }
  changeNote(id: "a note's id", text: "Has it.") {
    changedAt
  }
  removeNote(id: "a note's id")
}`,
  ),
  example(
    'MergePeople',
    `Needs a management key. Two users become one person, also
in the past; UndoMerge takes it back exactly.`,
    `
mutation MergePeople {
  mergePeople(from: "a person's id", into: "a person's id", reason: "One customer, two sign-ups") {
    id
    madeAt
  }
}`,
  ),
  example(
    'UndoMerge',
    `Needs a management key. Figures are as if the merge had
never been.`,
    `
mutation UndoMerge {
  undoMerge(id: "a merge's id") {
    undoneAt
  }
}`,
  ),
  example(
    'DetachIdentity',
    `Needs a management key. Keeps a device apart from its
user; the second field takes that back.`,
    `
mutation DetachIdentity {
  detachIdentity(id: "an identity's id", reason: "A tablet in a shop") {
    detached
  }
  reattachIdentity(id: "an identity's id", reason: "It was theirs after all") {
    detached
  }
}`,
  ),
  example(
    'ErasePerson',
    `Needs a management key. Erases somebody for good: ids,
traits, events, presence, and the archive.`,
    `
mutation ErasePerson {
  erasePerson(id: "a person's id", reason: "Asked for by e-mail") {
    requestedAt
    finishedAt
  }
}`,
  ),
];
