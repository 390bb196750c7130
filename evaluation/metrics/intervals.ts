import { randomDraws } from '../../datasets/index.ts';

const resamples = 1000;
/** The quantile of the normal distribution for an interval of 95 %. */
const z = 1.959963984540054;

/** A share with its 95 % interval (Wilson, 1927). @param n from 1 */
export function wilson(
  hits: number,
  n: number,
): { readonly share: number; readonly low: number; readonly high: number } {
  const share = hits / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return { share, low: centre - half, high: centre + half };
}

/** A share of images with Wilson's interval, within 0 and 1 whatever rounding does. @param n from 1 */
export function shareInterval(hits: number, n: number): ReturnType<typeof wilson> {
  const { share, low, high } = wilson(hits, n);
  return { share, low: Math.max(0, low), high: Math.min(1, high) };
}

/**
 * 95 % intervals of means by the bootstrap (Efron, 1979), by percentiles: whole groups are drawn with replacement, since what
 * belongs together (the queries of one class) rises and falls together. The same seed draws the same.
 *
 * @param measures values of each measure, all [queries]
 * @param groups the group of each query, from 0
 * @returns for each measure its interval; null where there are fewer than two groups
 */
export function bootstrapIntervals(
  measures: readonly Float64Array[],
  groups: Int32Array,
  seed: number,
): readonly ([number, number] | null)[] {
  const count = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  if (count < 2) return measures.map(() => null);
  const sizes = new Float64Array(count);
  const sums = measures.map(() => new Float64Array(count));
  groups.forEach((group, query) => {
    sizes[group] = (sizes[group] as number) + 1;
    measures.forEach((values, which) => {
      const own = sums[which] as Float64Array;
      own[group] = (own[group] as number) + (values[query] as number);
    });
  });
  const means = measures.map(() => new Float64Array(resamples));
  const totals = new Float64Array(measures.length);
  for (let resample = 0; resample < resamples; resample++) {
    const draw = randomDraws(seed, 'bootstrap of groups', resample);
    totals.fill(0);
    let size = 0;
    for (let at = 0; at < count; at++) {
      const group = Math.floor((draw(at) / 2 ** 32) * count);
      size += sizes[group] as number;
      for (let which = 0; which < totals.length; which++)
        totals[which] = (totals[which] as number) + (sums[which]?.[group] as number);
    }
    means.forEach((own, which) => {
      own[resample] = (totals[which] as number) / size;
    });
  }
  return means.map(middle95);
}

/** Where the middle 95 % of values begin and end; sorts them. */
export function middle95(values: Float64Array): [number, number] {
  values.sort();
  return [values[Math.floor(0.025 * values.length)] ?? 0, values[Math.ceil(0.975 * values.length) - 1] ?? 0];
}
