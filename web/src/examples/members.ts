import { type Example, example } from './example';

/** Examples of who works with a tenant, and as what. */
export const members: Example[] = [
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
];
