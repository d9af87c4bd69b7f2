import Analytics from '@rudderstack/rudder-sdk-node';

export async function send(dataPlaneUrl, writeKey) {
  const analytics = new Analytics(writeKey, { dataPlaneUrl, flushAt: 20 });
  analytics.track({ userId: 'u', event: 'Bought', properties: { p: 1 } });
  analytics.identify({ userId: 'u', anonymousId: 'a', traits: { email: 'e' } });
  analytics.group({ userId: 'u', groupId: 'g', traits: { plan: 'pro' } });
  analytics.alias({ userId: 'u', previousId: 'before' });
  analytics.page({ userId: 'u', category: 'Docs', name: 'Home' });
  analytics.screen({ anonymousId: 'a', name: 'Cart' });
  analytics.flush();
}
