import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { follow } from './useLive';

test('a patch makes the next answer of the one that is shown', () => {
  const whole = { revision: 'r1', base: null, patch: null, query: { events: { count: 1, counts: [1, 2, 3] } } };
  const first = follow({}, whole);
  expect(first).toBe(whole);
  const second = follow(first, {
    revision: 'r2',
    base: 'r1',
    query: null,
    patch: [
      { op: 'replace', path: '/query/events/count', value: 2 },
      { op: 'add', path: '/query/events/counts/3', value: 4 },
      { op: 'remove', path: '/query/events/counts/0' },
    ],
  });
  expect(second).toMatchObject({ revision: 'r2', query: { events: { count: 2, counts: [2, 3, 4] } } });
  expect(first.query).toEqual({ events: { count: 1, counts: [1, 2, 3] } }); // which React has seen
  const third = follow(second, { ...whole, revision: 'r3' });
  expect(third.revision).toBe('r3');
});

test('the docs show this hook', () => {
  expect(readFileSync('../docs/live.md', 'utf8')).toContain(readFileSync('src/useLive.ts', 'utf8').trim());
});
