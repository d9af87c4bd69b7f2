import { type Example, example } from './example';

/** Examples of what was done. */
export const audit: Example[] = [
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
];
