import { areaUnder, rocCurve } from './detection.ts';

/**
 * An image is called unknown where its nearest training image is less similar than a threshold. Scores are the similarities to
 * the nearest training image.
 */

/** Images of trained classes: how near the nearest training image is, and whether it is of the image's class. */
export interface KnownScores {
  readonly scores: Float64Array;
  readonly isRight: readonly boolean[];
}

/**
 * Area under the curve of the correct classification rate over the false positive rate (OSCR; Dhamija et al. 2018,
 * arXiv:1811.04110): the chance that a known image scores above an unseen one and is classified rightly, ties counting half.
 *
 * @returns null where either side has no image
 */
export function openSetClassificationRate({ scores, isRight }: KnownScores, unseen: Float64Array): number | null {
  if (scores.length === 0 || unseen.length === 0) return null;
  const right = scores.filter((_, image) => isRight[image]);
  return ((areaUnder(rocCurve(right, unseen)) ?? 0) * right.length) / scores.length;
}

/** How many of some known images may be refused, and so which of them, by ascending score, is the threshold. @param images from 1 */
export const mostRefused = (images: number, refusals: number): number =>
  Math.min(images - 1, Math.floor(refusals * images + rounding));

/** The highest threshold that at most such a share of the known images stays below; null where there are none. */
export const refusalThreshold = (known: Float64Array, refusals: number): number | null =>
  known.slice().sort()[mostRefused(known.length, refusals)] ?? null;

/** Share of images that score below a threshold; null where there are none. */
export const refusedBy = (scores: Float64Array, threshold: number): number | null =>
  scores.length === 0 ? null : scores.filter((score) => score < threshold).length / scores.length;

/** 0.07 * 100 is a little more than 7, 0.29 * 100 a little less than 29. */
const rounding = 1e-9;
