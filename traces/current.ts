import { AsyncLocalStorage } from 'node:async_hooks';
import { formatTraceparent, type Link } from './link.ts';

const storage = new AsyncLocalStorage<Link>();

/** Does work within a span. */
export const within = <T>(link: Link, work: () => T): T => storage.run(link, work);

/** The span that the work at hand is in; null where nothing is traced. */
export const currentLink = (): Link | null => storage.getStore() ?? null;

/** The same for a program of the user's own, in the variable `TRACEPARENT`; nothing where nothing is traced. */
export function traceEnvironment(): Readonly<Record<string, string>> {
  const link = currentLink();
  return link ? { TRACEPARENT: formatTraceparent(link) } : {};
}
