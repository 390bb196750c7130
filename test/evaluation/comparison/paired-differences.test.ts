import { describe, expect, it } from 'vitest';
import { comparePairs } from '../../../evaluation/comparison/paired-differences.ts';
import { regularisedBeta, studentTQuantile } from '../../../evaluation/comparison/student-t.ts';

/** Of scipy 1.17.1: stats.t.ppf(probability, freedom). */
const quantiles = [
  [0.975, 1, 12.706204736174694],
  [0.975, 2, 4.302652729749462],
  [0.975, 4, 2.7764451051977934],
  [0.975, 9, 2.262157162798205],
  [0.975, 29, 2.045229642132703],
  [0.975, 1000, 1.9623390808264083],
  [0.995, 3, 5.840909309733355],
  [0.6, 7, 0.2631668613520229],
] as const;
/** Of scipy 1.17.1: special.betainc(a, b, x). */
const betas = [
  [0.2, 0.5, 0.5, 0.2951672353008665],
  [0.9, 5, 0.5, 0.3166429150200122],
  [0.5, 3, 7, 0.91015625],
  [0.99, 100, 0.5, 0.1567758654244408],
] as const;

describe('Student’s t', () => {
  it.each(quantiles)(
    'has the quantile %d with %d degrees of freedom that scipy gives',
    (probability, freedom, value) => {
      expect(studentTQuantile(probability, freedom) / value).toBeCloseTo(1, 9);
    },
  );

  it.each(betas)('rests on the incomplete beta function: I_%d(%d, %d)', (x, a, b, value) => {
    expect(regularisedBeta(x, a, b)).toBeCloseTo(value, 11);
  });

  it('has no quantile without degrees of freedom', () => {
    expect(() => studentTQuantile(0.975, 0)).toThrow(RangeError);
  });
});

describe('paired differences', () => {
  // The interval is that of scipy 1.17.1: stats.ttest_rel(a, b).confidence_interval(0.95).
  const a = [0.9, 0.91, 0.93, 0.92, 0.915];
  const b = [0.89, 0.905, 0.91, 0.92, 0.9];

  it('have the mean and the interval that scipy gives', () => {
    const found = comparePairs({ measure: 'top1', goal: 'higher', a, b });
    expect(found.difference.mean).toBeCloseTo(0.01, 12);
    expect(found.difference.interval?.[0]).toBeCloseTo(0.00018378419261221544, 10);
    expect(found.difference.interval?.[1]).toBeCloseTo(0.0198162158073878, 10);
    expect(found.a.deviation).toBeCloseTo(0.011180339887498959, 12);
    expect(found.verdict).toBe('a is better');
  });

  it('turn round with the goal and with the arms', () => {
    expect(comparePairs({ measure: 'error', goal: 'lower', a, b }).verdict).toBe('b is better');
    expect(comparePairs({ measure: 'top1', goal: 'higher', a: b, b: a }).verdict).toBe('b is better');
    expect(comparePairs({ measure: 'error', goal: 'lower', a: b, b: a }).verdict).toBe('a is better');
  });

  it('show nothing where the interval covers 0', () => {
    const found = comparePairs({ measure: 'top1', goal: 'higher', a: [0.9, 0.8], b: [0.8, 0.9] });
    expect(found.verdict).toBe('none shown');
    expect(comparePairs({ measure: 'top5', goal: 'higher', a: [1, 1], b: [1, 1] }).difference).toEqual({
      mean: 0,
      interval: [0, 0],
    });
    expect(comparePairs({ measure: 'top5', goal: 'higher', a: [1, 1], b: [1, 1] }).verdict).toBe('none shown');
  });

  it('have no interval and no verdict for a single pair', () => {
    const found = comparePairs({ measure: 'top1', goal: 'higher', a: [0.9], b: [0.5] });
    expect(found).toMatchObject({ difference: { interval: null }, verdict: 'none shown' });
    expect(found.a.deviation).toBeNull();
  });

  it('are refused where the values do not come in pairs', () => {
    expect(() => comparePairs({ measure: 'top1', goal: 'higher', a, b: [1] })).toThrow(RangeError);
  });
});
