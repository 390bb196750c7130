import { createPaces, type Paces } from './paces.ts';
import { createShares } from './shares.ts';

/**
 * Places for work, which clients take in turns: one that brings much waits behind itself alone.
 *
 * I1. A client has no more places at a time than its share, so one is left for the next, however long the work takes.
 * I2. Of those that wait, the one with the least in work is next, and of these the one that came first.
 * I3. Work for which nobody waits any more is not begun.
 * I4. A client none of whose work was done yet has one place: how long its work takes is not known.
 * I5. Clients whose work takes long have half of the places, all of them together, however many they are; so who brings ordinary
 *     work waits for them only while each of them is new.
 */
export interface Turns {
  /** @throws the reason of `signal` where it came before the turn; what the work throws */
  readonly take: <T>(client: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
}

interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

/** @param paces by default of photos, as a decoder takes them */
export function createTurns(places: number, paces: Paces = createPaces()): Turns {
  const taken = createShares();
  const waiting = new Set<Waiting>();
  const ofSlow = Math.floor(places / 2);

  /** How many places a client may have now, for what is known of its work. @param slowInWork of all clients */
  const most = (client: string, slowInWork: number): number => {
    const pace = paces.of(client);
    if (pace === 'slow') return taken.has(client) + ofSlow - slowInWork;
    return pace === 'new' ? 1 : places;
  };
  const next = (): Waiting | null => {
    const slowInWork = paces.slow().reduce((sum, client) => sum + taken.has(client), 0);
    let best: Waiting | null = null;
    for (const each of waiting) {
      const has = taken.has(each.client);
      const may = Math.min(taken.of(each.client, places), most(each.client, slowInWork));
      if (has < may && (!best || has < taken.has(best.client))) best = each;
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
          const ends = [paces.begin(client), taken.take(client, 1)];
          resolve(() => {
            for (const end of ends) end();
          });
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
