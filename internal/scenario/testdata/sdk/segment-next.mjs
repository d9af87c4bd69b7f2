import './browser.mjs';

export async function send(url, writeKey) {
  const { AnalyticsBrowser } = await import('@segment/analytics-next');
  const { host, protocol } = new URL(url);
  const analytics = AnalyticsBrowser.load(
    { writeKey, cdnSettings: { integrations: { 'Segment.io': { apiKey: writeKey } } } },
    { integrations: { 'Segment.io': { apiHost: `${host}/v1`, protocol: protocol.slice(0, -1) } } },
  );
  await analytics.page('Home');
  await analytics.track('Bought', { p: 1 });
  await analytics.identify('u', { email: 'e' });
  await analytics.group('g', { plan: 'pro' });
  await analytics.screen('Cart');
}
