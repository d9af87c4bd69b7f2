import './browser.mjs';

export async function send(api_host, key) {
  const { posthog } = await import('posthog-js');
  // The page that stands in for a browser calls itself a robot.
  posthog.init(key, { api_host, opt_out_useragent_filter: true, capture_pageview: false, person_profiles: 'identified_only' });
  posthog.capture('$pageview');
  posthog.capture('Bought', { p: 1 });
  posthog.identify('u', { email: 'e' });
  posthog.group('company', 'g', { plan: 'pro' });
  posthog.alias('before');
}
