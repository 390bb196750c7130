import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPaces } from '../../../serving/http/paces.ts';
import { createTurns } from '../../../serving/http/turns.ts';

describe('turns', () => {
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  /** Work that ends when it is told to, named in the order in which it begins. */
  const bench = (places: number) => {
    let clock = 0;
    const turns = createTurns(places, createPaces({ slowMs: 1000, rememberMs: 60_000, now: () => clock }));
    const pass = (ms: number) => {
      clock += ms;
    };
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const ask = (client: string, count: number, signal = never) =>
      Array.from({ length: count }, (_, at) =>
        turns.take(client, signal, () => {
          begun.push(`${client}${at}`);
          return new Promise<void>((resolve) => ends.set(`${client}${at}`, resolve));
        }),
      );
    const end = async (name: string) => {
      ends.get(name)?.();
      await turn();
    };
    /** Clients of whom it is known that their work is done soon. */
    const known = async (...clients: string[]) => {
      for (const client of clients) await turns.take(client, never, async () => {});
    };
    return { ask, begun, end, known, pass };
  };

  it('leave a place for the next client, however much one brings', async () => {
    const { ask, begun, known } = bench(4);
    await known('a', 'b');
    ask('a', 24);
    ask('b', 2);
    await turn();
    expect(begun).toEqual(['a0', 'a1', 'a2', 'b0']);
  });

  it('give a place that is free to the one with the least in work', async () => {
    const { ask, begun, end, known } = bench(4);
    await known('a', 'b');
    ask('a', 24);
    ask('b', 2);
    await turn();
    await end('a0');
    expect(begun.slice(4)).toEqual(['b1']);
    await end('b0');
    await end('b1');
    expect(begun.slice(5)).toEqual(['a3']);
  });

  it('pass over what nobody waits for', async () => {
    const { ask, begun, end, known } = bench(2);
    await known('a', 'b');
    const controller = new AbortController();
    ask('a', 2);
    const gone = Promise.allSettled(ask('b', 2, controller.signal));
    const reason = new Error('the client has left');
    controller.abort(reason);
    expect(await gone).toEqual(new Array(2).fill({ status: 'rejected', reason }));
    await end('a0');
    ask('c', 1);
    await turn();
    expect(begun).toEqual(['a0', 'a1', 'c0']);
  });

  it('begin with one for a client that is new, and go on with its share once something of it was done', async () => {
    const { ask, begun, end } = bench(4);
    ask('a', 5);
    await turn();
    expect(begun).toEqual(['a0']);
    await end('a0');
    expect(begun).toEqual(['a0', 'a1', 'a2', 'a3']);
  });

  it('are half of them for clients whose work takes long, however many these are', async () => {
    const { ask, begun, end, known, pass } = bench(4);
    await known('good');
    const hostile = ['x', 'y', 'z', 'u', 'v'];
    for (const each of hostile) ask(each, 10);
    await turn();
    // Nothing is known of them yet, so all places are taken, once.
    expect(begun).toEqual(['x0', 'y0', 'z0', 'u0']);
    pass(5000);
    for (const each of ['x0', 'y0', 'z0', 'u0']) await end(each);
    begun.length = 0;
    for (let round = 0; round < 10; round++) {
      ask('good', 1);
      await turn();
      expect(begun.filter((name) => name.startsWith('good'))).toHaveLength(round + 1);
      await end('good0');
      pass(5000);
      for (const name of begun.filter((each) => !each.startsWith('good'))) await end(name);
    }
  });

  it('are not left to clients that hold theirs for long, also before that work is done', async () => {
    const { ask, begun, known, pass } = bench(8);
    await known('a', 'b');
    ask('a', 3);
    await turn();
    pass(1500);
    ask('a', 3);
    ask('b', 1);
    await turn();
    expect(begun).toEqual(['a0', 'a1', 'a2', 'a0', 'b0']);
  });

  it('are had again in full by a client whose work took long once, after a minute of quick work', async () => {
    const { ask, begun, end, pass } = bench(4);
    ask('a', 1);
    await turn();
    pass(2000);
    await end('a0');
    ask('a', 3);
    await turn();
    expect(begun).toEqual(['a0', 'a0', 'a1']);
    pass(500);
    for (const name of ['a0', 'a1', 'a2']) await end(name);
    pass(59_000);
    ask('a', 1);
    await turn();
    await end('a0');
    pass(2000);
    begun.length = 0;
    ask('a', 4);
    await turn();
    expect(begun).toEqual(['a0', 'a1', 'a2']);
  });
});
