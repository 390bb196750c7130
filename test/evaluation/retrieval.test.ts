import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineSimilarities } from '../../evaluation/embedding.ts';
import { searchGallery } from '../../evaluation/gallery.ts';
import { bootstrapIntervals } from '../../evaluation/metrics/intervals.ts';
import { queryMeasures, ranksOf } from '../../evaluation/metrics/ranking.ts';
import { retrieval } from '../../evaluation/metrics/retrieval.ts';
import { acceptedAt, binOf, noPairs, thresholdFor, verification } from '../../evaluation/metrics/verification.ts';
import { testSeed } from '../random.ts';

fc.configureGlobal({ seed: testSeed });

describe('ranks', () => {
  it('are the places in the sorted gallery, of equals the lower row first, without the query', () => {
    const row = fc.record({ value: fc.integer({ min: -3, max: 3 }), relevant: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 30 }), fc.nat(), (rows, choice) => {
        const query = choice % rows.length;
        const relevant = rows.flatMap((each, index) => (each.relevant && index !== query ? [index] : []));
        fc.pre(relevant.length > 0);
        const order = [...rows.keys()]
          .filter((index) => index !== query)
          .sort((a, b) => (rows[b]?.value ?? 0) - (rows[a]?.value ?? 0) || a - b);
        const places = order.flatMap((index, at) => (relevant.includes(index) ? [at + 1] : []));
        const similarities = Float32Array.from(rows, ({ value }) => value);
        expect([...ranksOf(similarities, query, relevant)]).toEqual(places);
      }),
    );
  });

  it('give the discounted gain as a share of the best', () => {
    expect(queryMeasures(Int32Array.of(1, 2, 3)).ndcg).toBe(1);
    const best = 1 + 1 / Math.log2(3);
    expect(queryMeasures(Int32Array.of(2, 5)).ndcg).toBeCloseTo((1 / Math.log2(3) + 1 / Math.log2(6)) / best, 12);
  });
});

describe('a whole gallery', () => {
  const dimension = 8;
  const count = 700;
  const values = Float32Array.from({ length: count * dimension }, (_, at) => Math.sin(at * 12.9898) * 3);
  // One row alone in its class, the others in fours.
  const labels = Int32Array.from({ length: count }, (_, row) => (row === 5 ? 999 : row >> 2));

  it('searched in blocks gives what all similarities at once give', async () => {
    const seen: number[] = [];
    const found = await searchGallery({ values, count, dimension, labels }, (done) => void seen.push(done));
    const similarities = cosineSimilarities({ values, count, dimension });
    const whole = retrieval(similarities, labels, [1, 5]);
    expect(found.queries).toHaveLength(whole.queries);
    expect(found.queries).not.toContain(5);
    const mean = (of: ArrayLike<number>) => Array.from(of).reduce((sum, each) => sum + each, 0) / of.length;
    for (const { k, value } of whole.recallAt)
      expect(mean(found.first.map((rank) => Number(rank <= k)))).toBeCloseTo(value ?? Number.NaN, 12);
    expect(mean(found.rPrecision)).toBeCloseTo(whole.rPrecision ?? Number.NaN, 12);
    expect(mean(found.mapAtR)).toBeCloseTo(whole.mapAtR ?? Number.NaN, 12);
    expect(seen.at(-1)).toBe(count);

    const expected = noPairs();
    for (let a = 0; a < count; a++)
      for (let b = a + 1; b < count; b++) {
        const bin = binOf(similarities.values[a * count + b] ?? Number.NaN);
        const counts = labels[a] === labels[b] ? expected.same : expected.different;
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
    const moved = [...found.pairs.same.keys()].filter((bin) => found.pairs.same[bin] !== expected.same[bin]);
    // Products of blocks and of the whole may round a similarity at an edge into the next bin.
    expect(moved.length).toBeLessThanOrEqual(2);
    expect(verification(found.pairs).pairs).toEqual(verification(expected).pairs);
  });

  it('of lone images has no queries, and no pairs of one class', async () => {
    const alone = { values: values.subarray(0, 3 * dimension), count: 3, dimension, labels: Int32Array.of(0, 1, 2) };
    const found = await searchGallery(alone, () => {});
    expect(found.queries).toHaveLength(0);
    expect(verification(found.pairs)).toEqual({ pairs: { same: 0, different: 3 }, equalErrorRate: null, roc: [] });
  });
});

describe('verification', () => {
  const countsOf = (same: readonly number[], different: readonly number[]) => {
    const counts = noPairs();
    for (const [values, own] of [
      [same, counts.same],
      [different, counts.different],
    ] as const)
      for (const value of values) own[binOf(value)] = (own[binOf(value)] ?? 0) + 1;
    return counts;
  };

  it('has no error where the classes are apart, and half where they are alike', () => {
    expect(verification(countsOf([0.8, 0.9], [-0.5, 0.1])).equalErrorRate).toBe(0);
    expect(verification(countsOf([0.1, 0.5], [0.1, 0.5])).equalErrorRate).toBe(0.5);
    expect(verification(countsOf([0.2, 0.6, 0.7, 0.8], [0.1, 0.15, 0.18, 0.65])).equalErrorRate).toBe(0.25);
  });

  it('a threshold accepts at most the wanted share, and one bin lower would accept more', () => {
    const similarities = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(similarities, fc.double({ min: 0, max: 0.5, noNaN: true }), (different, wanted) => {
        const counts = countsOf([0.5], different);
        const threshold = thresholdFor(counts, wanted) ?? Number.NaN;
        expect(acceptedAt(counts, threshold).falseAccepts).toBeLessThanOrEqual(wanted);
        if (threshold > -1) expect(acceptedAt(counts, threshold - 0.0005).falseAccepts).toBeGreaterThan(wanted);
      }),
    );
  });

  it('a similarity that rounding took past the ends counts as the last', () => {
    expect([binOf(1.0000001), binOf(-1.0000001)]).toEqual([binOf(1), binOf(-1)]);
  });
});

describe('an interval', () => {
  const each = (length: number) => Int32Array.from({ length }, (_, at) => at);
  const halves = (length: number) => Float64Array.from({ length }, (_, at) => at % 2);

  it('holds the mean, is the same for the same seed, and narrows with more groups', () => {
    const width = (length: number) => {
      const [interval] = bootstrapIntervals([halves(length)], each(length), 7);
      const [low, high] = interval ?? [Number.NaN, Number.NaN];
      expect(low).toBeLessThan(0.5);
      expect(high).toBeGreaterThan(0.5);
      return high - low;
    };
    // 1.96 standard errors to each side.
    expect(width(400)).toBeCloseTo((2 * 1.96 * 0.5) / 20, 1);
    expect(width(1600)).toBeLessThan(width(400));
    expect(bootstrapIntervals([halves(50)], each(50), 7)).toEqual(bootstrapIntervals([halves(50)], each(50), 7));
  });

  it('is wider where whole classes rise and fall together', () => {
    const values = Float64Array.from({ length: 400 }, (_, at) => Number(at < 200));
    const widthOf = (groups: Int32Array) => {
      const [interval] = bootstrapIntervals([values], groups, 0);
      return (interval?.[1] ?? 0) - (interval?.[0] ?? 0);
    };
    expect(widthOf(each(400).map((at) => Math.floor(at / 20)))).toBeGreaterThan(3 * widthOf(each(400)));
  });

  it('is none for one group', () => {
    expect(bootstrapIntervals([halves(4)], new Int32Array(4), 0)).toEqual([null]);
  });
});
