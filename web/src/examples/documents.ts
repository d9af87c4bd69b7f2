import { type Example, example } from './example';

/** Examples of trusted documents. */
export const documents: Example[] = [
  example(
    'TrustedDocuments',
    `Needs a key that may manage documents. Which ones are
registered, and whether callers may run others.`,
    `
query TrustedDocuments {
  tenant {
    documentMode
  }
  trustedDocuments(first: 20) {
    totalCount
    nodes {
      name
      hash
      createdAt
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,
  ),
  example(
    'RegisterDocuments',
    `Needs a key that may manage documents. Puts a document
on the list; it is known by its hash from then on.`,
    `
mutation RegisterDocuments {
  registerDocuments(
    documents: [{ body: "query EventCount { events { count } }" }]
  ) {
    registered
    known
    outcomes {
      hash
      status
      reason
    }
  }
}`,
  ),
  example(
    'RetireDocument',
    `Takes a document off the list. The id is that of
TrustedDocuments; registering it again brings it back.`,
    `
mutation RetireDocument {
  retireDocument(id: "a document's id") {
    hash
    retiredAt
  }
}`,
  ),
  example(
    'SetDocumentMode',
    `TRUSTED_ONLY has registered documents run, and no others
but those of whoever may manage the list.`,
    `
mutation SetDocumentMode {
  setDocumentMode(mode: OPEN) {
    name
    documentMode
  }
}`,
  ),
];
