import { once } from './once.ts';

/**
 * How much of something one client may have. A client may take three quarters of what the others leave, so a lone one has nearly
 * all, and however greedy it is, a place is left for the next; of two greedy ones each gets three sevenths.
 */
export interface Shares {
  /** How much a client may have now, of so much in all. */
  readonly of: (client: string, total: number) => number;
  readonly has: (client: string) => number;
  /** @returns gives it back */
  readonly take: (client: string, amount: number) => () => void;
  readonly total: () => number;
}

const share = 0.75;

export function createShares(): Shares {
  /** Clients that have any. */
  const taken = new Map<string, number>();
  let all = 0;
  const has = (client: string) => taken.get(client) ?? 0;
  const change = (client: string, by: number) => {
    all += by;
    const now = has(client) + by;
    if (now === 0) taken.delete(client);
    else taken.set(client, now);
  };
  return {
    of: (client, total) => Math.max(1, Math.ceil(share * (total - (all - has(client))))),
    has,
    take: (client, amount) => {
      change(client, amount);
      return once(() => change(client, -amount));
    },
    total: () => all,
  };
}
