import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import { type Client, createClient, type SubscribePayload } from 'graphql-ws';
import { useEffect, useMemo, useRef, useState } from 'react';

/** How the live connection is doing, and why if it isn't well. */
export interface Status {
  state: 'off' | 'connecting' | 'up' | 'down' | 'refused';
  reason?: string;
}

const pingEvery = 10_000;
const pongWithin = 5_000;
const forbidden = 4403;

/** Connects with a key: a fetcher for GraphiQL, and the state of its live connection. */
export function useConnection(url: string, key: string): { fetcher: Fetcher; status: Status } {
  const [status, setStatus] = useState<Status>({ state: 'off' });
  const live = useRef<Client | null>(null);
  useEffect(() => {
    let current = true;
    const client = connect(url, key, (next) => current && setStatus(next));
    live.current = client;
    return () => {
      current = false;
      void client.dispose();
    };
  }, [url, key]);
  const fetcher = useMemo(() => createFetcher(url, key, () => live.current!), [url, key]);
  return { fetcher, status };
}

/** Opens the socket at once if there is a key, and opens it again whenever it is lost. */
function connect(url: string, key: string, report: (status: Status) => void): Client {
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  report({ state: 'off' });
  const client = createClient({
    url: address.href,
    connectionParams: key ? { authorization: `Bearer ${key}` } : {},
    lazy: key === '',
    keepAlive: pingEvery,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => sleep(Math.min(500 * 2 ** retries, 10_000) * (0.5 + Math.random())),
    // A server that is down gives an error without a code; only a refused key is final.
    shouldRetry: (event) => (event as CloseEvent).code !== forbidden,
    onNonLazyError: () => {}, // The header shows it.
    on: {
      connecting: () => report({ state: 'connecting' }),
      connected: () => report({ state: 'up' }),
      closed: (event) => report(key ? whyClosed(event) : { state: 'off' }),
    },
  });
  hangUpOnSilence(client);
  return client;
}

function whyClosed(event: unknown): Status {
  const refused = (event as CloseEvent).code === forbidden;
  return { state: refused ? 'refused' : 'down', reason: explain(event) };
}

// A socket can be dead for minutes before the browser says so: no pong, no connection.
function hangUpOnSilence(client: Client) {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  client.on('ping', (received) => {
    if (!received) waiting = setTimeout(() => client.terminate(), pongWithin);
  });
  client.on('pong', (received) => {
    if (received) clearTimeout(waiting);
  });
  client.on('closed', () => clearTimeout(waiting));
}

/** Sends queries and mutations by POST, subscriptions over the live connection. */
export function createFetcher(url: string, key: string, live: () => Client): Fetcher {
  return (params, options) => {
    const operation = options?.documentAST?.definitions.find(
      (definition) =>
        definition.kind === 'OperationDefinition' &&
        (!params.operationName || definition.name?.value === params.operationName),
    );
    const subscribes =
      operation?.kind === 'OperationDefinition' &&
      operation.operation === OperationTypeNode.SUBSCRIPTION;
    return subscribes ? subscribe(live(), params) : post(url, key, params);
  };
}

async function post(url: string, key: string, params: FetcherParams): Promise<ExecutionResult> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...(key && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(params),
    });
  } catch {
    return failure('The server cannot be reached.');
  }
  try {
    return await response.json();
  } catch {
    return failure(`The server answered ${response.status} ${response.statusText}, without JSON.`);
  }
}

interface Observer {
  next: (result: ExecutionResult) => void;
  complete: () => void;
}

// Failures come as results: GraphiQL would print an error with its stack.
function subscribe(client: Client, params: FetcherParams) {
  return {
    subscribe: ({ next, complete }: Observer) => ({
      unsubscribe: client.subscribe<Record<string, unknown>>(params as SubscribePayload, {
        next: (result) => next(result as ExecutionResult),
        error: (error) => {
          next(Array.isArray(error) ? { errors: error } : failure(explain(error)));
          complete();
        },
        complete,
      }),
    }),
  } as ReturnType<Fetcher>;
}

function failure(message: string): ExecutionResult {
  return { errors: [{ message } as GraphQLError] };
}

/** Says in words why a connection ended. */
export function explain(event: unknown): string {
  const { code, reason, message } = (event ?? {}) as {
    code?: number;
    reason?: string;
    message?: string;
  };
  if (code === forbidden) return 'The server refuses this key.';
  if (code === 1006 || code === undefined) return message ?? 'The live connection was lost.';
  return `The live connection was closed: ${code} ${reason ?? ''}`.trim();
}

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
