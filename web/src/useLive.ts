import type { ExecutionResult } from 'graphql';
import type { Client } from 'graphql-ws';
import { useEffect, useState } from 'react';
import { applyPatch, type Operation } from 'rfc6902';
type Live<T> = { revision?: string; base?: string | null; patch?: Operation[] | null; query?: T | null };
type Answer<T> = { data?: T | null; errors?: ExecutionResult['errors'] };
/** What is shown after an answer: the answer itself, or what its patch makes of what was shown. */
export function follow<T>(shown: Live<T>, live: Live<T>): Live<T> {
  if (!live.patch) return live;
  const next = structuredClone(shown);
  applyPatch(next, live.patch);
  return { ...next, revision: live.revision };
}

/** The newest answer to `subscription ($after: String) { live(patch: true, after: $after) { revision base patch query { … } } }`. */
export function useLive<T>(client: Client, query: string, variables: Record<string, unknown> = {}): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({});
  const given = JSON.stringify(variables);
  useEffect(() => {
    let shown: Live<T> = {};
    const next = ({ data, errors }: ExecutionResult<{ live: Live<T> }>) => {
      shown = data?.live ? follow(shown, data.live) : {};
      setAnswer({ data: shown.query, errors });
    };
    // Whenever graphql-ws connects again, it asks with what is shown by then.
    const going = { ...JSON.parse(given), get after() { return shown.revision; } };
    return client.subscribe<{ live: Live<T> }>({ query, variables: going }, { next, error: console.error, complete() {} });
  }, [client, query, given]);
  return answer;
}
