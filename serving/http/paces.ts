import { once } from './once.ts';

/** What is known of a client's work: nothing yet, that it is done soon, or that some of it took long lately. */
export type Pace = 'new' | 'quick' | 'slow';

/** How long the work of clients takes. */
export interface Paces {
  readonly of: (client: string) => Pace;
  /** Clients whose work takes long, those included that have some in work for so long. */
  readonly slow: () => readonly string[];
  /** Work begins. @returns to be called when it is done */
  readonly begin: (client: string) => () => void;
}

export interface PaceOptions {
  /** Work that takes longer is slow, in milliseconds. @default 1000 */
  readonly slowMs?: number;
  /** So long it is remembered. @default 60_000 */
  readonly rememberMs?: number;
  /** Clients that are remembered; beyond, those go of whom nothing was heard for longest. @default 4096 */
  readonly most?: number;
  /** @default performance.now */
  readonly now?: () => number;
}

export function createPaces({
  slowMs = 1000,
  rememberMs = 60_000,
  most = 4096,
  now = () => performance.now(),
}: PaceOptions = {}): Paces {
  interface Known {
    /** When something was done last, and when something slow was. */
    readonly doneAt: number;
    readonly slowAt: number;
  }
  /** In the order in which they were heard of, the latest last. */
  const known = new Map<string, Known>();
  const inWork = new Map<object, { readonly client: string; readonly since: number }>();
  const isRecent = (at: number) => now() - at <= rememberMs;
  const isSlow = (client: string) => isRecent(known.get(client)?.slowAt ?? Number.NEGATIVE_INFINITY);
  const isHeld = (since: number) => now() - since > slowMs;
  const remember = (client: string, took: number) => {
    const at = now();
    const slowAt = took > slowMs ? at : (known.get(client)?.slowAt ?? Number.NEGATIVE_INFINITY);
    known.delete(client);
    known.set(client, { doneAt: at, slowAt });
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
  };
  const holding = () => [...inWork.values()].filter(({ since }) => isHeld(since)).map(({ client }) => client);
  return {
    of: (client) => {
      if (isSlow(client) || holding().includes(client)) return 'slow';
      return isRecent(known.get(client)?.doneAt ?? Number.NEGATIVE_INFINITY) ? 'quick' : 'new';
    },
    slow: () => [...new Set([...holding(), ...[...inWork.values()].map(({ client }) => client).filter(isSlow)])],
    begin: (client) => {
      const key = {};
      const since = now();
      inWork.set(key, { client, since });
      return once(() => {
        inWork.delete(key);
        remember(client, now() - since);
      });
    },
  };
}
