/** A key that the server offers to whoever opens the playground. */
export interface DemoKey {
  name: string;
  key: string;
}

/** What the server tells the playground. */
export interface Config {
  /** The path of the API on this origin. */
  graphql: string;
  keys: DemoKey[];
}

/** Asks the server for its settings; without an answer there are simply no demo keys. */
export async function loadConfig(): Promise<Config> {
  try {
    const response = await fetch(`${import.meta.env.BASE_URL}config.json`);
    return readConfig(response.ok ? await response.json() : undefined);
  } catch {
    return readConfig(undefined);
  }
}

/** Takes what has the right shape, and leaves the rest. */
export function readConfig(answer: unknown): Config {
  const { graphql, keys } = (answer ?? {}) as { graphql?: unknown; keys?: unknown };
  return {
    graphql: isPath(graphql) ? graphql : '/graphql',
    keys: Array.isArray(keys) ? keys.filter(isDemoKey) : [],
  };
}

// A path of this origin and nothing else: keys are sent to it.
function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value);
}

function isDemoKey(value: unknown): value is DemoKey {
  const { name, key } = (value ?? {}) as { name?: unknown; key?: unknown };
  return typeof name === 'string' && typeof key === 'string';
}
