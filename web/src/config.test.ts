import { describe, expect, it } from 'vitest';
import { readConfig } from './config';

describe('readConfig', () => {
  it('takes what the server says', () => {
    const config = { graphql: '/api/graphql', keys: [{ name: 'Demo', key: 'tmr_1' }] };
    expect(readConfig(config)).toEqual(config);
  });

  it('does without an answer', () => {
    for (const nothing of [undefined, null, {}, 'no']) {
      expect(readConfig(nothing)).toEqual({ graphql: '/graphql', keys: [] });
    }
  });

  it('sends keys to no other origin', () => {
    for (const graphql of ['//evil.example/graphql', '/\\evil.example', 'https://evil.example', '']) {
      expect(readConfig({ graphql }).graphql).toBe('/graphql');
    }
  });

  it('leaves keys that are none', () => {
    const keys = [{ name: 'Demo', key: 'tmr_1' }, { name: 'Half' }, null, 'tmr_2'];
    expect(readConfig({ keys }).keys).toEqual([keys[0]]);
  });
});
