import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FollowOptions, follow } from '../../../serving/http/follow.ts';

/** When a version is tried, as time passes as it is told; real versions are opened in changes.test.ts. */
type Served = FollowOptions['first'];

function versions() {
  const opened: number[] = [];
  const swapped: number[] = [];
  const lines: string[] = [];
  let log: { readonly version: number; readonly isBroken: boolean } = { version: 1, isBroken: false };
  let isReadable = true;
  const served = (version: number) =>
    ({ by: { version, index: null }, used: {}, retire: async () => {} }) as unknown as Served;
  const { current, waiting, close } = follow({
    first: served(1),
    mark: async () => {
      if (!isReadable) throw new Error('the disk is away');
      return String(log.version);
    },
    find: async () => ({
      ...{ used: { version: log.version, index: null } as unknown as Served['used'], trainingIndex: null },
      isMaking: false,
    }),
    open: async ({ version }) => {
      opened.push(version ?? 0);
      if (log.isBroken) throw new Error('broken');
      return served(version ?? 0);
    },
    pollMs: 2000,
    onSwap: ({ by }) => void swapped.push(by.version ?? 0),
    onFailed: () => {},
    log: (line) => void lines.push(line),
  });
  return {
    ...{ opened, swapped, lines, current, waiting, close },
    promote: (version: number, isBroken = false) => {
      log = { version, isBroken };
    },
    setReadable: (value: boolean) => {
      isReadable = value;
    },
  };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a version that cannot be opened', () => {
  it('is tried ever more seldom, and one that is promoted after it at once', async () => {
    const { promote, opened, swapped, waiting, close } = versions();
    promote(2, true);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(opened.length).toBeGreaterThan(5);
    expect(opened.length).toBeLessThan(12);
    expect(waiting()?.version).toBe(2);
    promote(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(swapped).toEqual([3]);
    expect(waiting()).toBeNull();
    await close();
  });

  it('is tried again soon where the one before it failed for long', async () => {
    const { promote, opened, close } = versions();
    promote(2, true);
    await vi.advanceTimersByTimeAsync(300_000);
    promote(3, true);
    await vi.advanceTimersByTimeAsync(8000);
    expect(opened.filter((version) => version === 3).length).toBeGreaterThanOrEqual(2);
    await close();
  });
});

describe('a log that cannot be read', () => {
  it('is said once each time, and followed again', async () => {
    const { promote, setReadable, lines, swapped, close } = versions();
    for (const version of [2, 3]) {
      setReadable(false);
      await vi.advanceTimersByTimeAsync(20_000);
      promote(version);
      setReadable(true);
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(swapped).toEqual([2, 3]);
    expect(lines.filter((line) => line.includes('the disk is away'))).toHaveLength(2);
    await close();
  });
});
