import type { MeasureComparison } from '../../contracts/comparison.ts';
import { deviation, mean } from '../metrics/statistics.ts';
import { studentTQuantile } from './student-t.ts';

/** By degrees of freedom: thousands of classes have the same. */
const quantiles = new Map<number, number>();

/** One measure of both arms, in the order of the pairs. */
export interface PairedMeasure {
  readonly measure: string;
  readonly goal: MeasureComparison['goal'];
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/**
 * Compares two arms by the differences within the pairs: their mean, and its 95 % interval by Student's t. Seeds that make
 * both arms better or worse cancel.
 *
 * @throws RangeError unless both have the same number of values, at least one
 */
export function comparePairs({ measure, goal, a, b }: PairedMeasure): MeasureComparison {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`${measure} has ${a.length} values beside ${b.length}; they must come in pairs`);
  const differences = a.map((value, pair) => value - (b[pair] ?? Number.NaN));
  const centre = mean(differences);
  const spread = deviation(differences);
  const interval = spread === null ? null : intervalOf(centre, spread, differences.length);
  return {
    measure,
    goal,
    a: { values: [...a], mean: mean(a), deviation: deviation(a) },
    b: { values: [...b], mean: mean(b), deviation: deviation(b) },
    difference: { mean: centre, interval },
    verdict: verdictOf(interval, goal),
  };
}

function intervalOf(centre: number, spread: number, count: number): [number, number] {
  const quantile = quantiles.get(count - 1) ?? studentTQuantile(0.975, count - 1);
  quantiles.set(count - 1, quantile);
  const half = (quantile * spread) / Math.sqrt(count);
  return [centre - half, centre + half];
}

function verdictOf(
  interval: readonly [number, number] | null,
  goal: PairedMeasure['goal'],
): MeasureComparison['verdict'] {
  if (!interval || (interval[0] <= 0 && interval[1] >= 0)) return 'none shown';
  const isMore = interval[0] > 0;
  return isMore === (goal === 'higher') ? 'a is better' : 'b is better';
}
