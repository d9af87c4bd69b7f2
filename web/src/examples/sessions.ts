import { type Example, example } from './example';

/** Examples of signing in, and who is signed in. */
export const sessions: Example[] = [
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
];
