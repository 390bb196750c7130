import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineSimilarities } from '../../evaluation/embedding.ts';
import { amongThemselves, answersOf, searchGallery } from '../../evaluation/gallery.ts';
import { areaUnder, rocCurve } from '../../evaluation/metrics/detection.ts';
import { bootstrapIntervals } from '../../evaluation/metrics/intervals.ts';
import { openSetClassificationRate, refusalThreshold, refusedBy } from '../../evaluation/metrics/open-set.ts';
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
    const found = await searchGallery(
      amongThemselves({ values, count, dimension, labels }),
      (done) => void seen.push(done),
    );
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
    const found = await searchGallery(amongThemselves(alone), () => {});
    expect(found.queries).toHaveLength(0);
    expect(verification(found.pairs)).toEqual({ pairs: { same: 0, different: 3 }, equalErrorRate: null, roc: [] });
  });
});

describe('queries against a gallery', () => {
  /** Unit vectors at angles, in degrees. */
  const at = (...degrees: readonly number[]) => ({
    values: Float32Array.from(
      degrees.flatMap((each) => [Math.cos((each * Math.PI) / 180), Math.sin((each * Math.PI) / 180)]),
    ),
    count: degrees.length,
    dimension: 2,
  });
  const gallery = { ...at(0, 10, 20, 30), labels: Int32Array.of(2, 1, 2, 1) };

  it('find their class at the places that can be counted by hand', async () => {
    // From 0 degrees the order is 2, 1, 2, 1: class 1 is at places 2 and 4. From 21 it is 2, 1, 1, 2: class 2 at 1 and 4.
    const query = { ...at(0, 50, 21), labels: Int32Array.of(1, 7, 2) };
    const found = await searchGallery({ query, gallery, ownRows: new Int32Array(3).fill(-1) }, () => {});
    // Class 7 is not in the gallery.
    expect([...found.queries]).toEqual([0, 2]);
    expect([...found.first]).toEqual([2, 1]);
    expect([...found.rPrecision]).toEqual([1 / 2, 1 / 2]);
    // Of two places: a hit at the second has precision 1/2, one at the first 1.
    expect([...found.mapAtR]).toEqual([1 / 4, 1 / 2]);
    const best = 1 + 1 / Math.log2(3);
    expect(found.ndcg[0]).toBeCloseTo((1 / Math.log2(3) + 1 / Math.log2(5)) / best, 12);
    expect(found.ndcg[1]).toBeCloseTo((1 + 1 / Math.log2(5)) / best, 12);
    expect(verification(found.pairs).pairs).toEqual({ same: 4, different: 8 });
  });

  it('are no answer to themselves where they are in the gallery too, and make each pair once', async () => {
    const query = { ...at(0, 20), labels: Int32Array.of(2, 2) };
    const found = await searchGallery({ query, gallery, ownRows: Int32Array.of(0, 2) }, () => {});
    // Without themselves: from 0 degrees 1, 2, 1; from 20 (10 and 30 are as near, the lower row first) 1, 1, 2.
    expect([...found.first]).toEqual([2, 3]);
    expect(verification(found.pairs).pairs).toEqual({ same: 1, different: 4 });
  });

  it('can be left out of the answers', async () => {
    const query = { ...at(0, 21), labels: Int32Array.of(1, 2) };
    const found = await searchGallery({ query, gallery, ownRows: Int32Array.of(-1, -1) }, () => {});
    const { queries, first, mapAtR } = answersOf(found, (row) => row === 1);
    expect([[...queries], [...first], [...mapAtR]]).toEqual([[1], [1], [1 / 2]]);
  });
});

describe('known or unknown', () => {
  const known = { scores: Float64Array.of(0.9, 0.8, 0.4, 0.3), isRight: [true, true, false, true] };
  const unseen = Float64Array.of(0.5, 0.35);

  it('counts of all pairs those in which the known image is nearer, and of its class', () => {
    // 0.9 and 0.8 are above both, 0.4 above one but of another class, 0.3 above none.
    expect(areaUnder(rocCurve(known.scores, unseen))).toBe(5 / 8);
    expect(openSetClassificationRate(known, unseen)).toBe(4 / 8);
    expect(openSetClassificationRate(known, new Float64Array())).toBeNull();
    expect(openSetClassificationRate({ scores: known.scores, isRight: known.isRight.map(() => false) }, unseen)).toBe(
      0,
    );
  });

  it('refuses at most the wanted share of known images', () => {
    const threshold = refusalThreshold(known.scores, 0.25) ?? Number.NaN;
    expect(threshold).toBe(0.4);
    expect(refusedBy(known.scores, threshold)).toBe(0.25);
    expect(refusedBy(unseen, threshold)).toBe(0.5);
    expect(refusedBy(new Float64Array(), threshold)).toBeNull();
    expect(refusalThreshold(new Float64Array(), 0.1)).toBeNull();
    const scores = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 0.5, noNaN: true }), (values, wanted) => {
        const own = Float64Array.from(values);
        expect(refusedBy(own, refusalThreshold(own, wanted) ?? Number.NaN)).toBeLessThanOrEqual(wanted + 1e-9);
      }),
    );
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
