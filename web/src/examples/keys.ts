import { type Example, example } from './example';

/** Examples of keys, and the tenant that they open. */
export const keys: Example[] = [
  example(
    'ApiKeys',
    `Needs a management key. The keys of the tenant, without
their secrets: when each ends, and when it was last used.`,
    `
query ApiKeys {
  apiKeys(first: 20) {
    totalCount
    nodes {
      id
      kind
      name
      prefix
      permissions
      expiresAt
      revokedAt
      lastUsedAt
      lastUsedFrom
    }
  }
}`,
  ),
  example(
    'CreateApiKey',
    `Needs a management key. A key that reads metrics alone;
its secret is shown here, and never again.`,
    `
mutation CreateApiKey {
  createApiKey(kind: READ, name: "dashboard", permissions: [READ_METRICS]) {
    secret
    key {
      id
      prefix
    }
  }
}`,
  ),
  example(
    'RotateApiKey',
    `Needs a management key. A successor to a key, which itself
works on for a day. The id is one of ApiKeys.`,
    `
mutation RotateApiKey {
  rotateApiKey(id: "a key's id", overlapHours: 24) {
    secret
    key {
      rotates {
        expiresAt
      }
    }
  }
}`,
  ),
  example(
    'RevokeApiKey',
    `Needs a management key. Ends a key for good, also where
it is in use. The id is one of ApiKeys.`,
    `
mutation RevokeApiKey {
  revokeApiKey(id: "a key's id", reason: "No longer used.") {
    revokedAt
  }
}`,
  ),
  example(
    'UpdateTenant',
    `Needs a management key. What the tenant says of itself;
what is left out stays as it is.`,
    `
mutation UpdateTenant {
  updateTenant(
    currency: "EUR"
    branding: { appName: "Board", accent: "#3366ff" }
  ) {
    name
    currency
    branding {
      appName
      accent
      logoUrl
    }
  }
}`,
  ),
];
