import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOn, pairedInterval } from '../../../evaluation/comparison/image-measures.ts';

describe('the interval of a difference', () => {
  it('is that of Newcombe for paired shares', () => {
    // Newcombe 1998 (Statistics in Medicine 17, 2635), table II, method 10.
    const [low, high] = pairedInterval({ both: 36, onlyAfter: 12, onlyBefore: 2, neither: 0 });
    expect(low).toBeCloseTo(0.0569, 3);
    expect(high).toBeCloseTo(0.3404, 3);
  });

  it('holds the difference, lies within -1 and 1, and turns with the models', () => {
    const count = fc.nat(40);
    fc.assert(
      fc.property(count, count, count, count, (both, onlyAfter, onlyBefore, neither) => {
        fc.pre(both + onlyAfter + onlyBefore + neither > 0);
        const difference = (onlyAfter - onlyBefore) / (both + onlyAfter + onlyBefore + neither);
        const [low, high] = pairedInterval({ both, onlyAfter, onlyBefore, neither });
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect([low >= -1 - 1e-12, high <= 1 + 1e-12]).toEqual([true, true]);
        const turned = pairedInterval({ both, onlyAfter: onlyBefore, onlyBefore: onlyAfter, neither });
        expect(turned[0]).toBeCloseTo(-high, 12);
        expect(turned[1]).toBeCloseTo(-low, 12);
      }),
    );
  });

  it('of macro F1 is the same each time, and holds the difference', async () => {
    const labels = Int32Array.from({ length: 200 }, (_, row) => row % 4);
    const answers = (wrongEvery: number) => ({
      labels,
      predicted: labels.map((label, row) => (row % wrongEvery === 0 ? (label + 1) % 4 : label)),
      confidence: labels,
      rank: labels,
      neighbours: null,
      isLeftOut: () => false,
    });
    const rows = Int32Array.from(labels, (_, row) => row);
    const compare = () => differenceOn(answers(9), answers(5), rows, 'macroF1', 4);
    const found = await compare();
    expect(found).toEqual(await compare());
    const [low, high] = found?.interval ?? [1, -1];
    const difference = (found?.after ?? 0) - (found?.before ?? 0);
    expect(low).toBeLessThan(difference);
    expect(high).toBeGreaterThan(difference);
    expect(high - low).toBeGreaterThan(0.05);
    expect(high - low).toBeLessThan(0.3);
  });
});
