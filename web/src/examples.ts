/** A query that the playground opens as a tab. */
export interface Example {
  /** The operation's name, which is also the tab's. */
  name: string;
  /** What it shows, in a line or two. */
  about: string;
  /** The GraphQL document, `about` standing above it as a comment. */
  document: string;
}

function example(name: string, about: string, operation: string): Example {
  const comment = about.replace(/^/gm, '# ');
  return { name, about, document: `${comment}\n${operation.trim()}\n` };
}

/** One example at least for each thing that can be asked, changed and watched. */
export const examples: Example[] = [
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
  example(
    'Archive',
    `The files that hold raw events past their retention.`,
    `
query Archive {
  archiveParts(first: 20) {
    totalCount
    nodes {
      month
      path
      state
      events
      bytes
    }
  }
}`,
  ),
  example(
    'SetEventRetention',
    `Needs a management key. How many months raw events stay
in the database; null is for ever. Figures stay as they are.`,
    `
mutation SetEventRetention {
  setEventRetention(months: 24) {
    name
  }
}`,
  ),
  example(
    'SetLimits',
    `Needs a management key. Lowers what the tenant may spend;
what is left out is as the installation has it.`,
    `
mutation SetLimits {
  setLimits(limits: { readPerMinute: 60000, callerPercent: 25 }) {
    limits {
      readPerMinute
      writePerMinute
      burstSeconds
      offPeakPercent
      callerPercent
    }
    limitCeiling {
      readPerMinute
    }
  }
}`,
  ),
  example(
    'Viewer',
    `Who asks, what they may do, and where they are signed in.`,
    `
query Viewer {
  viewer {
    email
    name
    permissions
    memberships {
      tenantId
      tenantName
      roleName
    }
    sessions(first: 10) {
      nodes {
        id
        current
        lastUsedAt
        userAgent
      }
    }
  }
}`,
  ),
  example(
    'SignIn',
    `Needs no key. Send the access token as
Authorization: Bearer, and keep the refresh token.`,
    `
mutation SignIn {
  signIn(email: "you@example.com", password: "your password") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'VerifySecondFactor',
    `Needs no key. Goes on where a second factor is needed.`,
    `
mutation VerifySecondFactor {
  verifySecondFactor(challenge: "from signIn", code: "123456") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'RefreshSession',
    `Needs no key. New tokens for a refresh token, once.`,
    `
mutation RefreshSession {
  refreshSession(refreshToken: "tmf_…") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'ExchangeSignInCode',
    `Needs no key. Tokens for the code that a provider of
identities has sent the browser back with.`,
    `
mutation ExchangeSignInCode {
  exchangeSignInCode(code: "tmc_…", verifier: "what the page kept") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'AcceptInvitation',
    `Needs no key. Becomes a member by the link of a mail.`,
    `
mutation AcceptInvitation {
  acceptInvitation(token: "tmi_…", name: "Ann", password: "a few words will do") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'RequestPasswordReset',
    `Needs no key. Mails a link, if somebody has the address.`,
    `
mutation RequestPasswordReset {
  requestPasswordReset(email: "you@example.com")
}`,
  ),
  example(
    'ResetPassword',
    `Needs no key. A new password by the link of a mail.`,
    `
mutation ResetPassword {
  resetPassword(token: "tms_…", password: "a few words will do")
}`,
  ),
  example(
    'ChangePassword',
    `Needs a session. Ends the other ones.`,
    `
mutation ChangePassword {
  changePassword(password: "until now", newPassword: "a few words will do")
}`,
  ),
  example(
    'SignOut',
    `Needs a session, which ends.`,
    `
mutation SignOut {
  signOut
}`,
  ),
  example(
    'EndSession',
    `Needs a session. Ends another one of one's own.`,
    `
mutation EndSession {
  endSession(id: "a session's id")
}`,
  ),
  example(
    'EndOtherSessions',
    `Needs a session. Ends all the others.`,
    `
mutation EndOtherSessions {
  endOtherSessions
}`,
  ),
  example(
    'SwitchTenant',
    `Needs a session. Goes on in another of one's tenants.`,
    `
mutation SwitchTenant {
  switchTenant(tenant: "a tenant's id, from viewer") {
    state
    tenantId
    accessToken
    refreshToken
    challenge
  }
}`,
  ),
  example(
    'EnrollSecondFactor',
    `Needs a session. A secret for an authenticator app.`,
    `
mutation EnrollSecondFactor {
  enrollSecondFactor(password: "your password") {
    secret
    uri
  }
}`,
  ),
  example(
    'ConfirmSecondFactor',
    `Needs a session. Gives recovery codes, once.`,
    `
mutation ConfirmSecondFactor {
  confirmSecondFactor(code: "123456")
}`,
  ),
  example(
    'RenewRecoveryCodes',
    `Needs a session. New ones in the place of the others.`,
    `
mutation RenewRecoveryCodes {
  renewRecoveryCodes(code: "123456")
}`,
  ),
  example(
    'RemoveSecondFactor',
    `Needs a session, and a last code.`,
    `
mutation RemoveSecondFactor {
  removeSecondFactor(code: "123456")
}`,
  ),
  example(
    'Impersonate',
    `Needs an owner's session. Looks at the tenant as another
member sees it; both are named in the audit log.`,
    `
mutation Impersonate {
  impersonate(member: "a member's id", reason: "Ticket 4711") {
    state
    accessToken
  }
}`,
  ),
  example(
    'Members',
    `Needs a management key. Who belongs to the tenant.`,
    `
query Members {
  members(first: 20) {
    totalCount
    nodes {
      id
      name
      email
      role {
        name
      }
    }
  }
}`,
  ),
  example(
    'Roles',
    `Needs a management key. What members may be, and do.`,
    `
query Roles {
  secondFactorRequired
  roles {
    nodes {
      id
      builtin
      name
      permissions
      requiresSecondFactor
    }
  }
}`,
  ),
  example(
    'Invitations',
    `Needs a management key. Those that are open.`,
    `
query Invitations {
  invitations(first: 20) {
    nodes {
      id
      email
      role {
        name
      }
      expiresAt
    }
  }
}`,
  ),
  example(
    'IdentityProviders',
    `Needs a management key. Where members may sign in instead.`,
    `
query IdentityProviders {
  identityProviders {
    nodes {
      id
      name
      issuer
      allowedDomains
      startUrl
    }
  }
}`,
  ),
  example(
    'InviteMember',
    `Needs a management key. Invites somebody by mail.`,
    `
mutation InviteMember {
  inviteMember(email: "new@example.com", role: "a role's id") {
    id
    expiresAt
  }
}`,
  ),
  example(
    'RevokeInvitation',
    `Needs a management key. Makes an invitation void.`,
    `
mutation RevokeInvitation {
  revokeInvitation(id: "an invitation's id")
}`,
  ),
  example(
    'ChangeMemberRole',
    `Needs a management key. Acts within two seconds.`,
    `
mutation ChangeMemberRole {
  changeMemberRole(id: "a member's id", role: "a role's id") {
    name
    role {
      name
    }
  }
}`,
  ),
  example(
    'RemoveMember',
    `Needs a management key. Their sessions end.`,
    `
mutation RemoveMember {
  removeMember(id: "a member's id")
}`,
  ),
  example(
    'CreateRole',
    `Needs a management key. A role of the tenant's own.`,
    `
mutation CreateRole {
  createRole(role: { name: "Support", permissions: [READ, READ_PII] }) {
    id
    permissions
  }
}`,
  ),
  example(
    'UpdateRole',
    `Needs a management key. For all who have it.`,
    `
mutation UpdateRole {
  updateRole(id: "a role's id", role: { name: "Support", permissions: [READ] }) {
    id
    permissions
  }
}`,
  ),
  example(
    'RemoveRole',
    `Needs a management key. A role that nobody has.`,
    `
mutation RemoveRole {
  removeRole(id: "a role's id")
}`,
  ),
  example(
    'RequireSecondFactor',
    `Needs a management key. Of every member, whatever they are.`,
    `
mutation RequireSecondFactor {
  requireSecondFactor(required: true)
}`,
  ),
  example(
    'CreateIdentityProvider',
    `Needs an owner's session. Lets members sign in at a
provider of identities (OpenID Connect).`,
    `
mutation CreateIdentityProvider {
  createIdentityProvider(
    provider: {
      name: "Corp"
      issuer: "https://accounts.example.com"
      clientId: "tidemark"
      clientSecret: "as the provider gave it"
      allowedDomains: ["example.com"]
    }
  ) {
    id
    startUrl
  }
}`,
  ),
  example(
    'RemoveIdentityProvider',
    `Needs a management key. Ends the sessions that rest on it.`,
    `
mutation RemoveIdentityProvider {
  removeIdentityProvider(id: "a provider's id")
}`,
  ),
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
  example(
    'AuditLog',
    `Needs a management key. Who did what, the newest first.
In a subscription it grows as things are done.`,
    `
query AuditLog {
  auditLog(first: 20) {
    nodes {
      at
      action
      actor {
        kind
        id
        name
      }
      target {
        type
        id
      }
      before
      after
      address
    }
  }
}`,
  ),
  example(
    'RecordRevenue',
    `Needs a write key. Says what is known of subscriptions and
rates; how MRR moved follows from it, late facts included.`,
    `
mutation RecordRevenue {
  recordRevenue(
    items: [
      { plan: { key: "pro", amount: 200000, currency: "EUR", interval: YEAR } }
      {
        subscription: {
          id: "sub-1"
          groupId: "acme"
          plan: "pro"
          status: ACTIVE
          occurredAt: "2026-03-05T10:00:00Z"
        }
      }
      { rate: { base: "EUR", currency: "USD", day: "2026-03-05", rate: "1.0842" } }
    ]
  ) {
    accepted
    verdicts {
      kind
      id
      status
      field
      reason
    }
  }
}`,
  ),
  example(
    'Revenue',
    `Needs READ_REVENUE. What customers pay, and how it moved.`,
    `
query Revenue {
  plans {
    nodes {
      key
      price {
        amount
        currency
      }
      interval
    }
  }
  subscriptions(status: ACTIVE, first: 10) {
    nodes {
      id
      externalId
      account {
        groupId
      }
      monthly {
        amount
        currency
      }
    }
  }
  mrrMovements(first: 20) {
    nodes {
      at
      kind
      amount {
        amount
        currency
      }
    }
  }
  invoices(first: 10) {
    nodes {
      number
      status
      total {
        amount
        currency
      }
    }
  }
  payments(first: 10) {
    nodes {
      kind
      amount {
        amount
        currency
      }
    }
  }
  exchangeRates(first: 10) {
    nodes {
      base
      currency
      day
      rate
    }
  }
}`,
  ),
  example(
    'Subscription',
    `One subscription, by its id.`,
    `
query Subscription {
  subscription(id: "id of a subscription") {
    externalId
    status
    plan {
      name
    }
    periodEndsAt
  }
}`,
  ),
  example(
    'SetChurnRule',
    `Needs a management key. Says when a cancelled subscription
stops counting: at the end of what was paid for, or at once.`,
    `
mutation SetChurnRule {
  setChurnRule(rule: PERIOD_END) {
    churnRule
  }
}`,
  ),
];
