import { describe, expect, it } from 'vitest';
import { createShares } from '../../../serving/http/shares.ts';

describe('the share of a client', () => {
  /** Each takes one after the other while it may. */
  const takeAll = (clients: readonly string[], total: number) => {
    const shares = createShares();
    for (let took = true; took; ) {
      took = false;
      for (const client of clients)
        if (shares.has(client) < shares.of(client, total)) {
          shares.take(client, 1);
          took = true;
        }
    }
    return clients.map(shares.has);
  };

  it('is most of all for a lone one, and the same for all that are as greedy, with room for the next', () => {
    expect(takeAll(['a'], 128)).toEqual([96]);
    const [one = 0, other = 0] = takeAll(['a', 'b'], 128);
    expect(Math.abs(one - other)).toBeLessThanOrEqual(1);
    expect(one + other).toBeLessThan(128);
    for (const count of [3, 10, 30]) {
      const taken = takeAll(
        Array.from({ length: count }, (_, at) => `${at}`),
        128,
      );
      expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(1);
    }
  });

  it('is given back once', () => {
    const shares = createShares();
    const leave = shares.take('a', 3);
    leave();
    leave();
    expect([shares.has('a'), shares.total()]).toEqual([0, 0]);
  });
});
