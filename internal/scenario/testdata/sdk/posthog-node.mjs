import { PostHog } from 'posthog-node';

export async function send(host, key) {
  const posthog = new PostHog(key, { host, fetchRetryDelay: 100 });
  posthog.capture({ distinctId: 'u', event: 'Bought', properties: { p: 1 }, groups: { company: 'g' } });
  posthog.identify({ distinctId: 'u', properties: { email: 'e' } });
  posthog.groupIdentify({ groupType: 'company', groupKey: 'g', properties: { plan: 'pro' } });
  posthog.alias({ distinctId: 'u', alias: 'before' });
  const flags = await posthog.evaluateFlags('u');
  if (flags.isEnabled('a-flag')) {
    throw new Error('a flag is on, and there are none');
  }
  await posthog.shutdown();
}
