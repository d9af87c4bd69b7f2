import './browser.mjs';

export async function send(url, writeKey) {
  const { AnalyticsBrowser } = await import('@segment/analytics-next');
  const { host, protocol } = new URL(url);
  const analytics = AnalyticsBrowser.load(
    { writeKey, cdnSettings: { integrations: { 'Segment.io': { apiKey: writeKey } } } },
    {
      integrations: {
        'Segment.io': {
          apiHost: `${host}/v1`,
          protocol: protocol.slice(0, -1),
          deliveryStrategy: { strategy: 'batching', config: { size: 2, timeout: 100 } },
        },
      },
    },
  );
  await analytics.track('Bought', { p: 1 });
  await analytics.identify('u', { email: 'e' });
}
