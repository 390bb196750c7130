import type { MeasureComparison } from '../../contracts/comparison.ts';
import { studentTQuantile } from './student-t.ts';

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
  const mean = meanOf(differences);
  const deviation = deviationOf(differences);
  const interval = deviation === null ? null : intervalOf(mean, deviation, differences.length);
  return {
    measure,
    goal,
    a: { values: [...a], mean: meanOf(a), deviation: deviationOf(a) },
    b: { values: [...b], mean: meanOf(b), deviation: deviationOf(b) },
    difference: { mean, interval },
    verdict: verdictOf(interval, goal),
  };
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation; null of a single value. */
export function deviationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function intervalOf(mean: number, deviation: number, count: number): [number, number] {
  const half = (studentTQuantile(0.975, count - 1) * deviation) / Math.sqrt(count);
  return [mean - half, mean + half];
}

function verdictOf(
  interval: readonly [number, number] | null,
  goal: PairedMeasure['goal'],
): MeasureComparison['verdict'] {
  if (!interval || (interval[0] <= 0 && interval[1] >= 0)) return 'none shown';
  const isMore = interval[0] > 0;
  return isMore === (goal === 'higher') ? 'a is better' : 'b is better';
}
