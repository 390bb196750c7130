import { describe, expect, it } from 'vitest';
import { chooseBest } from '../../activities/choose.ts';
import { chooseParameters } from '../../contracts/kinds/choose.ts';

const encoder = (digit: string) => ({ kind: 'encoder' as const, digest: digit.repeat(64) });

describe('choose', () => {
  it('takes the highest, with its artifacts, and says how far the results lie apart', () => {
    const params = chooseParameters.parse({ by: [2, 4, 4, 6], encoder: ['a', 'b', 'c', 'd'].map(encoder) });
    const { deviation, ...rest } = chooseBest(params);
    expect(rest).toEqual({ index: 3, value: 6, mean: 4, count: 4, encoder: encoder('d') });
    expect(deviation).toBeCloseTo(Math.sqrt(8 / 3), 12);
  });

  it('takes the lowest; of equals the first', () => {
    expect(chooseBest(chooseParameters.parse({ by: [2, 1, 1], goal: 'lowest' }))).toMatchObject({ index: 1, value: 1 });
  });

  it('has no deviation for one', () => {
    expect(chooseBest(chooseParameters.parse({ by: [3] }))).toMatchObject({ mean: 3, deviation: null });
  });

  it('refuses lists of different lengths', () => {
    const { error } = chooseParameters.safeParse({ by: [1, 2], encoder: [encoder('a')] });
    expect(error?.issues[0]?.message).toContain('has 1 entry where by has 2');
  });
});
