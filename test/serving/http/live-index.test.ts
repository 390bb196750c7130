/** An index that cannot be opened for a reason that passes. */
import { describe, expect, it } from 'vitest';
import { ContrailError } from '../../../contracts/errors.ts';
import { openLiveIndex } from '../../../serving/http/live-index.ts';
import type { VectorIndex } from '../../../vectors/index.ts';

const ref = { kind: 'index', digest: 'a'.repeat(64) } as const;
const full = new ContrailError('DiskFull', 'its disk is full');
/** Opens nothing while `error` is there. */
function disk() {
  const index = { check: async () => {}, close: async () => {} } as unknown as VectorIndex;
  const state: { error: unknown } = { error: full };
  const lines: string[] = [];
  const open = async () => {
    if (state.error) throw state.error;
    return index;
  };
  const live = (mayLack: boolean) =>
    openLiveIndex({ ref, open, mayLack, pollMs: 1, log: (line) => void lines.push(line) });
  return { index, state, lines, live };
}

describe('an index for which there is no room', () => {
  it('is served without, where it may, until there is', async () => {
    const { index, state, lines, live } = disk();
    const opened = await live(true);
    expect(opened.now()).toBeNull();
    expect(opened.problem()).toBe(
      'The index cannot be used, so there are no look-alikes: the log of the server says why. It is tried again.',
    );
    expect(lines).toEqual(['The index aaaaaaaaaaaa cannot be used, and is served without: its disk is full']);
    state.error = null;
    await expect.poll(() => opened.now()).toBe(index);
    expect(opened.problem()).toBeNull();
    await opened.close();
  });

  it('is an error where it may not, and so is what is no matter of room', async () => {
    const { state, live } = disk();
    await expect(live(false)).rejects.toBe(full);
    state.error = new ContrailError('InvalidInput', 'another encoder');
    await expect(live(true)).rejects.toBe(state.error);
  });
});
