import { useState } from 'react';
import type { DemoKey } from './config';

/** Which key the user works with: one that the server offers, or one of their own. */
export type Choice = { demo: string } | { own: string };

const place = 'tidemark.playground.key';

/** Keeps the choice for this tab of the browser: in sessionStorage, never in the address. */
export function useKey(keys: DemoKey[]) {
  const [choice, setChoice] = useState<Choice>(() => recall(keys, sessionStorage.getItem(place)));
  const choose = (next: Choice) => {
    sessionStorage.setItem(place, JSON.stringify(next));
    setChoice(next);
  };
  return { choice, choose, key: keyOf(keys, choice) };
}

/** The last choice if it still stands, else the first demo key, else none. */
export function recall(keys: DemoKey[], stored: string | null): Choice {
  const last = parse(stored);
  if (typeof last?.own === 'string') return { own: last.own };
  const demo = keys.find(({ name }) => name === last?.demo) ?? keys[0];
  return demo ? { demo: demo.name } : { own: '' };
}

/** The key itself; empty if there is none. */
export function keyOf(keys: DemoKey[], choice: Choice): string {
  if ('own' in choice) return choice.own;
  return keys.find(({ name }) => name === choice.demo)?.key ?? '';
}

function parse(stored: string | null): { demo?: unknown; own?: unknown } | null {
  try {
    return JSON.parse(stored ?? 'null');
  } catch {
    return null;
  }
}
