import { describe, expect, it } from 'vitest';
import { rowsByKey } from '../../vectors/graph/keys.ts';

describe('the rows of a key', () => {
  it('are all that have it, in their order', () => {
    const rowsOf = rowsByKey(Int32Array.of(7, 2, 7, 0, 2, 7));
    expect([0, 2, 7].map(rowsOf)).toEqual([[3], [1, 4], [0, 2, 5]]);
  });

  it('are none for a key that no row has', () => {
    const rowsOf = rowsByKey(Int32Array.of(7, 2));
    expect([-1, 0, 3, 8, 2 ** 31 - 1].map(rowsOf)).toEqual([[], [], [], [], []]);
    expect(rowsByKey(new Int32Array())(0)).toEqual([]);
  });

  it('take memory for the rows, not for the highest key', () => {
    const before = process.memoryUsage().arrayBuffers;
    const rowsOf = rowsByKey(Int32Array.of(2 ** 31 - 1, 5, -(2 ** 31)));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect([2 ** 31 - 1, 5, -(2 ** 31)].map(rowsOf)).toEqual([[0], [1], [2]]);
  });
});
