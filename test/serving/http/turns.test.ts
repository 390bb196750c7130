import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTurns } from '../../../serving/http/turns.ts';

describe('turns', () => {
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  /** Work that ends when it is told to, named in the order in which it begins. */
  const bench = (places: number) => {
    const turns = createTurns(places);
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
    return { ask, begun, end };
  };

  it('leave a place for the next client, however much one brings', async () => {
    const { ask, begun } = bench(4);
    ask('a', 24);
    ask('b', 2);
    await turn();
    expect(begun).toEqual(['a0', 'a1', 'a2', 'b0']);
  });

  it('give a place that is free to the one with the least in work', async () => {
    const { ask, begun, end } = bench(4);
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
    const { ask, begun, end } = bench(2);
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
});
