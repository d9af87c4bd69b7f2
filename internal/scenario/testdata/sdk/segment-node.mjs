import { Analytics } from '@segment/analytics-node';

export async function send(host, writeKey) {
  const analytics = new Analytics({ writeKey, host });
  analytics.track({ userId: 'u', event: 'Bought', properties: { p: 1 }, context: { groupId: 'g' } });
  analytics.identify({ userId: 'u', anonymousId: 'a', traits: { email: 'e' } });
  analytics.group({ userId: 'u', groupId: 'g', traits: { plan: 'pro' } });
  analytics.alias({ userId: 'u', previousId: 'before' });
  analytics.page({ userId: 'u', category: 'Docs', name: 'Home' });
  analytics.screen({ anonymousId: 'a', name: 'Cart' });
  await analytics.closeAndFlush();
}
