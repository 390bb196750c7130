import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createBatcher } from '../../../serving/http/batcher.ts';

/** Computes the first byte of each image, and says in which company. */
function recorder(most = 4, waitMs = 20) {
  const batches: number[][] = [];
  const releases: (() => void)[] = [];
  let hold = false;
  const batcher = createBatcher<number>({
    most,
    waitMs,
    compute: async (images) => {
      batches.push(images.map(([first]) => first ?? -1));
      if (hold) await new Promise<void>((resolve) => releases.push(resolve));
      return images.map(([first]) => first ?? -1);
    },
  });
  const add = (value: number, signal = new AbortController().signal) => batcher.add(Uint8Array.of(value), signal);
  return {
    batcher,
    batches,
    add,
    hold: () => {
      hold = true;
    },
    release: () => {
      hold = false;
      for (const each of releases.splice(0)) each();
    },
  };
}

describe('photos of different requests', () => {
  it('are computed together when they come together, and each gets its own answer', async () => {
    const { batches, add } = recorder();
    expect(await Promise.all([add(1), add(2), add(3)])).toEqual([1, 2, 3]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('gather while a batch is computed, up to the size of a batch', async () => {
    const { batches, add, hold, release } = recorder();
    hold();
    const first = add(1);
    await wait(5);
    const others = [2, 3, 4, 5, 6].map((value) => add(value));
    await wait(5);
    release();
    expect(await Promise.all([first, ...others])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(batches).toEqual([[1], [2, 3, 4, 5], [6]]);
  });

  it('wait for one that is on its way, but not for one that does not come', async () => {
    const { batcher, batches, add } = recorder();
    const arrived = batcher.expect();
    const early = add(1);
    await wait(2);
    expect(batches).toEqual([]);
    const late = add(2);
    arrived();
    await Promise.all([early, late]);
    expect(batches).toEqual([[1, 2]]);
    batcher.expect();
    await add(3);
    expect(batches).toEqual([[1, 2], [3]]);
  });

  it('are left out when their request has ended', async () => {
    const { batcher, batches, add, hold, release } = recorder();
    hold();
    const first = add(1);
    await wait(5);
    const leaving = new AbortController();
    const left = add(2, leaving.signal);
    const stays = add(3);
    await wait(5);
    leaving.abort(new Error('the client has left'));
    await expect(left).rejects.toThrow('the client has left');
    release();
    expect(await Promise.all([first, stays])).toEqual([1, 3]);
    expect(batches).toEqual([[1], [3]]);
    expect(batcher.waiting()).toBe(0);
  });

  it('fail together with their batch, and the next batch goes on', async () => {
    let fails = true;
    const batcher = createBatcher<number>({
      most: 2,
      waitMs: 1,
      compute: async (images) => {
        if (fails) throw new Error('the process died');
        return images.map(() => 7);
      },
    });
    const { signal } = new AbortController();
    const both = await Promise.allSettled([1, 2].map((value) => batcher.add(Uint8Array.of(value), signal)));
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    expect(await batcher.add(Uint8Array.of(3), signal)).toBe(7);
  });
});
