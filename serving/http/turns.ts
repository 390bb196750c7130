import { createShares } from './shares.ts';

/**
 * Places for work, which clients take in turns: one that brings much waits behind itself alone.
 *
 * I1. A client has no more places at a time than its share, so one is left for the next, however long the work takes.
 * I2. Of those that wait, the one with the least in work is next, and of these the one that came first.
 * I3. Work for which nobody waits any more is not begun.
 */
export interface Turns {
  /** @throws the reason of `signal` where it came before the turn; what the work throws */
  readonly take: <T>(client: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
}

interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

export function createTurns(places: number): Turns {
  const taken = createShares();
  const waiting = new Set<Waiting>();

  const next = (): Waiting | null => {
    let best: Waiting | null = null;
    for (const each of waiting) {
      const has = taken.has(each.client);
      if (has < taken.of(each.client, places) && (!best || has < taken.has(best.client))) best = each;
    }
    return best;
  };
  const admit = () => {
    while (taken.total() < places) {
      const one = next();
      if (!one) return;
      waiting.delete(one);
      one.start();
    }
  };
  const turn = (client: string, signal: AbortSignal) =>
    new Promise<() => void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const giveUp = () => {
        waiting.delete(one);
        reject(signal.reason);
      };
      const one: Waiting = {
        client,
        start: () => {
          signal.removeEventListener('abort', giveUp);
          resolve(taken.take(client, 1));
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(one);
      admit();
    });
  return {
    take: async (client, signal, work) => {
      const leave = await turn(client, signal);
      try {
        return await work();
      } finally {
        leave();
        admit();
      }
    },
  };
}
