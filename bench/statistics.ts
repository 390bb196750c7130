export { median } from '../evaluation/metrics/statistics.ts';

/** The largest |a - b|; NaN where one of them has no number, Infinity where their lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let at = 0; at < a.length; at++)
    largest = Math.max(largest, Math.abs((a[at] ?? Number.NaN) - (b[at] ?? Number.NaN)));
  return largest;
}

/** The largest |value|. */
export function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at] ?? Number.NaN));
  return largest;
}
