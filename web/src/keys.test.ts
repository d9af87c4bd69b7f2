import { describe, expect, it } from 'vitest';
import { keyOf, recall } from './keys';

const demos = [
  { name: 'Acme', key: 'tmr_acme' },
  { name: 'Globex', key: 'tmr_globex' },
];

describe('recall', () => {
  it('begins with the first demo key', () => {
    expect(recall(demos, null)).toEqual({ demo: 'Acme' });
    expect(recall([], null)).toEqual({ own: '' });
  });

  it('keeps the last choice while it stands', () => {
    expect(recall(demos, '{"demo":"Globex"}')).toEqual({ demo: 'Globex' });
    expect(recall(demos, '{"own":"tmr_mine"}')).toEqual({ own: 'tmr_mine' });
    expect(recall(demos, '{"demo":"Initech"}')).toEqual({ demo: 'Acme' });
  });

  it('survives anything stored', () => {
    for (const stored of ['', 'null', '1', '{', '{"own":1}']) {
      expect(recall(demos, stored)).toEqual({ demo: 'Acme' });
    }
  });
});

describe('keyOf', () => {
  it('finds the key of the choice', () => {
    expect(keyOf(demos, { demo: 'Globex' })).toBe('tmr_globex');
    expect(keyOf(demos, { own: 'tmr_mine' })).toBe('tmr_mine');
    expect(keyOf([], { demo: 'Globex' })).toBe('');
  });
});
