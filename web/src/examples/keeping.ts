import { type Example, example } from './example';

/** Examples of what is kept, and what may be asked. */
export const keeping: Example[] = [
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
];
