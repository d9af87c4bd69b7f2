import type { Example } from './examples/example';
import { audit } from './examples/audit';
import { cohorts } from './examples/cohorts';
import { documents } from './examples/documents';
import { events } from './examples/events';
import { figures } from './examples/figures';
import { health } from './examples/health';
import { journeys } from './examples/journeys';
import { keeping } from './examples/keeping';
import { keys } from './examples/keys';
import { live } from './examples/live';
import { members } from './examples/members';
import { own } from './examples/own';
import { people } from './examples/people';
import { registry } from './examples/registry';
import { revenue } from './examples/revenue';
import { sessions } from './examples/sessions';

/** One example at least for each thing that can be asked, changed and watched. */
export const examples: Example[] = [
  ...live,
  ...figures,
  ...journeys,
  ...events,
  ...registry,
  ...people,
  ...health,
  ...cohorts,
  ...keeping,
  ...sessions,
  ...members,
  ...keys,
  ...documents,
  ...own,
  ...audit,
  ...revenue,
];
