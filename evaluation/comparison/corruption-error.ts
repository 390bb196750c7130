import type { Comparison } from '../../contracts/comparison.ts';
import type { Robustness } from '../../contracts/robustness.ts';
import { mean as meanOf } from '../metrics/statistics.ts';

/** Errors on one corruption, summed over the severities: as they are, and beyond the error on clean images. */
interface CorruptionError {
  readonly sum: number;
  readonly beyondClean: number;
}

/** What cannot be told: corruptions by which the reference cannot be divided. */
export interface CorruptionErrors {
  readonly corruption: Comparison['corruption'];
  readonly notes: readonly string[];
}

/**
 * Mean corruption error and the relative one (arXiv:1903.12261): for each pair and corruption the errors of an arm summed
 * over the severities, divided by those of the reference, arm b; means over corruptions, then pairs. A corruption on which
 * the reference makes no error in some pair, or for the relative one loses nothing, is left out, and said.
 *
 * @param a by pair; both arms have the same corruptions in the same order
 */
export function corruptionErrors(a: readonly Robustness[], b: readonly Robustness[]): CorruptionErrors {
  const names = (b[0]?.corruptions ?? []).map(({ name }) => name);
  const [errorsA, errorsB] = [a.map(errorsOf), b.map(errorsOf)];
  const divisible = (of: keyof CorruptionError) =>
    names.flatMap((_, index) => (errorsB.every((pair) => (pair[index]?.[of] ?? 0) > 0) ? [index] : []));
  const meanRatio = (errors: typeof errorsA, of: keyof CorruptionError, chosen: readonly number[]) =>
    meanOf(errors.map((pair, at) => meanOf(chosen.map((index) => ratio(pair, errorsB[at] ?? [], index, of)))));
  const [whole, relative] = [divisible('sum'), divisible('beyondClean')];
  const leftOut = (chosen: readonly number[]) => names.filter((_, index) => !chosen.includes(index)).join(', ');
  const notes = [
    ...(whole.length < names.length
      ? [`The mean corruption error leaves out ${leftOut(whole)}: the reference made no error there.`]
      : []),
    ...(relative.length < names.length
      ? [`The relative corruption error leaves out ${leftOut(relative)}: the reference lost nothing there.`]
      : []),
  ];
  if (whole.length === 0) return { corruption: null, notes };
  const armOf = (errors: typeof errorsA) => ({
    mCE: meanRatio(errors, 'sum', whole),
    relative: relative.length > 0 ? meanRatio(errors, 'beyondClean', relative) : null,
  });
  return { corruption: { a: armOf(errorsA), b: armOf(errorsB) }, notes };
}

const errorsOf = ({ clean, corruptions }: Robustness): CorruptionError[] =>
  corruptions.map(({ accuracy }) => ({
    sum: accuracy.reduce((sum, value) => sum + 1 - value, 0),
    beyondClean: accuracy.reduce((sum, value) => sum + clean - value, 0),
  }));

const ratio = (
  errors: readonly CorruptionError[],
  reference: readonly CorruptionError[],
  index: number,
  of: keyof CorruptionError,
): number => (errors[index]?.[of] ?? Number.NaN) / (reference[index]?.[of] ?? Number.NaN);
