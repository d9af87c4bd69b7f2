/** A query that the playground opens as a tab. */
export interface Example {
  /** The operation's name, which is also the tab's. */
  name: string;
  /** What it shows, in a line or two. */
  about: string;
  /** The GraphQL document, `about` standing above it as a comment. */
  document: string;
}

/** Makes an example of an operation. */
export function example(name: string, about: string, operation: string): Example {
  const comment = about.replace(/^/gm, '# ');
  return { name, about, document: `${comment}\n${operation.trim()}\n` };
}
