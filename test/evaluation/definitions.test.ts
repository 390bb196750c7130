import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineSimilarities } from '../../evaluation/embedding.ts';
import { expectedCalibrationError, reliability } from '../../evaluation/metrics/calibration.ts';
import { answersOf } from '../../evaluation/metrics/classification.ts';
import { areaUnder, falsePositivesAt, rocCurve, thinned } from '../../evaluation/metrics/detection.ts';
import { retrieval } from '../../evaluation/metrics/retrieval.ts';
import { similaritiesOf } from './similarities.ts';

/** Metrics on random inputs, against their definitions written out. */
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Few different scores, so that there are ties. */
const someScores = fc.array(
  fc.integer({ min: 0, max: 12 }).map((value) => value / 4),
  { minLength: 1, maxLength: 40 },
);

describe('telling known images from others', () => {
  it('the area under the curve is the chance that a known one scores higher, ties counting half', () => {
    fc.assert(
      fc.property(someScores, someScores, (known, foreign) => {
        const wins = known.flatMap((a) => foreign.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
        expect(areaUnder(rocCurve(known, foreign))).toBeCloseTo(mean(wins), 12);
      }),
    );
  });

  it('false positives are counted at the highest threshold that enough of the known ones pass', () => {
    fc.assert(
      fc.property(someScores, someScores, fc.double({ min: 0.01, max: 1, noNaN: true }), (known, foreign, share) => {
        const shareOf = (scores: readonly number[], threshold: number) =>
          scores.filter((score) => score >= threshold).length / scores.length;
        const threshold = [...known, ...foreign].sort((a, b) => b - a).find((each) => shareOf(known, each) >= share);
        expect(falsePositivesAt(rocCurve(known, foreign), share)).toBe(shareOf(foreign, threshold ?? Number.NaN));
      }),
    );
  });

  it('a thinned curve keeps both ends, is a part of the whole, and has about the same area', () => {
    const draws = Array.from({ length: 3000 }, (_, at) => Math.sin(at * 12.9898) * 43758.5453);
    const scores = draws.map((value) => value - Math.floor(value));
    const whole = rocCurve(
      scores.slice(0, 2000).map((score) => score + 0.3),
      scores.slice(2000),
    );
    const thin = thinned(whole);
    expect(whole.length).toBeGreaterThan(2000);
    expect(thin.length).toBeLessThanOrEqual(201);
    expect(thin.length).toBeGreaterThan(150);
    expect([thin[0], thin.at(-1)]).toEqual([whole[0], whole.at(-1)]);
    for (const point of thin) expect(whole).toContainEqual(point);
    expect(areaUnder(thin)).toBeCloseTo(areaUnder(whole) ?? Number.NaN, 2);
  });

  it('a score that is not a number is lower than all others', () => {
    expect(areaUnder(rocCurve([1, Number.NaN], [0]))).toBe(0.5);
  });
});

describe('retrieval', () => {
  const embedded = fc.array(
    fc.record({
      label: fc.integer({ min: 0, max: 3 }),
      row: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 2, maxLength: 25 },
  );

  it('recall at k, R-precision and MAP at R are what their definitions say', () => {
    fc.assert(
      fc.property(embedded, (rows) => {
        const similarities = similaritiesOf(rows.map(({ row }) => row));
        const queries = rows.flatMap(({ label }, query) => {
          const others = rows
            .map((other, index) => ({ index, hit: other.label === label }))
            .filter(({ index }) => index !== query)
            .sort((a, b) => {
              const of = (index: number) => similarities.values[query * rows.length + index] ?? Number.NaN;
              return of(b.index) - of(a.index) || a.index - b.index;
            })
            .map(({ hit }) => hit);
          const relevant = others.filter(Boolean).length;
          if (relevant === 0) return [];
          const precisionAt = (k: number) => others.slice(0, k).filter(Boolean).length / k;
          const averaged = others.slice(0, relevant).map((hit, rank) => (hit ? precisionAt(rank + 1) : 0));
          return [
            {
              recall: (k: number) => Number(others.slice(0, k).some(Boolean)),
              rPrecision: precisionAt(relevant),
              mapAtR: averaged.reduce((sum, each) => sum + each, 0) / relevant,
            },
          ];
        });
        const labels = Int32Array.from(rows, ({ label }) => label);
        const found = retrieval(similarities, labels, [1, 2, 4, 8]);
        expect(found.queries).toBe(queries.length);
        if (queries.length === 0) {
          expect(found).toMatchObject({ rPrecision: null, mapAtR: null });
          expect(found.recallAt.every(({ value }) => value === null)).toBe(true);
          return;
        }
        for (const { k, value } of found.recallAt)
          expect(value).toBeCloseTo(mean(queries.map(({ recall }) => recall(k))), 12);
        expect(found.rPrecision).toBeCloseTo(mean(queries.map(({ rPrecision }) => rPrecision)), 12);
        expect(found.mapAtR).toBeCloseTo(mean(queries.map(({ mapAtR }) => mapAtR)), 12);
      }),
    );
  });

  it('cosine similarities by a matrix product are those one by one', () => {
    const rows = Array.from({ length: 30 }, (_, row) =>
      Array.from({ length: 50 }, (__, at) => Math.sin(row * 50 + at)),
    );
    const product = cosineSimilarities({ values: Float32Array.from(rows.flat()), count: 30, dimension: 50 });
    similaritiesOf(rows).values.forEach((value, at) => {
      expect(Math.abs(value - (product.values[at] ?? Number.NaN))).toBeLessThan(1e-6);
    });
  });
});

describe('calibration', () => {
  it('the error is the distance between accuracy and confidence in each bin, weighted by its images', () => {
    const predicted = fc.array(fc.record({ confidence: fc.integer({ min: 50, max: 100 }), isRight: fc.boolean() }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(predicted, fc.integer({ min: 1, max: 20 }), (rows, bins) => {
        const values = Float64Array.from(rows.flatMap(({ confidence }) => [confidence / 100, 1 - confidence / 100]));
        const labels = Int32Array.from(rows, ({ isRight }) => (isRight ? 0 : 1));
        let error = 0;
        for (let bin = 0; bin < bins; bin++) {
          const own = rows.filter(
            // (low, high], in whole numbers.
            ({ confidence }) => confidence * bins > bin * 100 && confidence * bins <= (bin + 1) * 100,
          );
          const accuracy = mean(own.map(({ isRight }) => Number(isRight)));
          const confidence = mean(own.map((each) => each.confidence / 100));
          error += (own.length / rows.length) * Math.abs(accuracy - confidence);
        }
        const found = reliability(answersOf({ values, count: rows.length, classes: 2 }, labels), labels, bins);
        expect(expectedCalibrationError(found)).toBeCloseTo(error, 10);
      }),
    );
  });
});
