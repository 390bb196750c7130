import { rowsByClass } from '../../datasets/index.ts';
import { median } from '../metrics/statistics.ts';

/** With fewer images the median of a class says nothing of what is far from it. */
const leastImages = 8;
/** So many deviations below the median of a class: the conservative cut of Leys and others (doi:10.1016/j.jesp.2013.03.013). */
const deviations = 3;
/** The median absolute deviation of a normal distribution, for one of its standard deviation. */
const normalMad = 1.4826;
/** Of a class at most this share is suspected, those of the smallest margins. */
const largestShare = 0.2;

export interface LowMargin {
  readonly row: number;
  readonly margin: number;
  /** Of its class: below which an image is suspected. */
  readonly limit: number;
}

/**
 * Labels that another class explains better, and by far worse than the other images of the class: the margin is negative, and more than
 * three deviations (1.4826 times the median absolute deviation) below the median of the class. At most a fifth of a class.
 *
 * @param margins of each row, NaN where it has none
 * @returns the smallest margins first, whatever their class; and what is of classes of too few images to say
 */
export function lowMargins(
  margins: Float64Array,
  labels: Int32Array,
): {
  readonly found: readonly LowMargin[];
  readonly judged: number;
  readonly leftOut: { readonly classes: number; readonly images: number };
} {
  const found: LowMargin[] = [];
  const leftOut = { classes: 0, images: 0 };
  for (const [, members] of rowsByClass(labels)) {
    const measured = members.filter((row) => !Number.isNaN(margins[row]));
    if (measured.length < leastImages) {
      leftOut.classes++;
      leftOut.images += members.length;
      continue;
    }
    const marginOf = (row: number) => margins[row] as number;
    const middle = median(measured.map(marginOf));
    const deviation = normalMad * median(measured.map((row) => Math.abs(marginOf(row) - middle)));
    const limit = Math.min(0, middle - deviations * deviation);
    const suspects = measured
      .filter((row) => marginOf(row) < limit)
      .sort((a, b) => marginOf(a) - marginOf(b) || a - b)
      .slice(0, Math.floor(largestShare * measured.length));
    for (const row of suspects) found.push({ row, margin: marginOf(row), limit });
  }
  return {
    found: found.sort((a, b) => a.margin - b.margin || a.row - b.row),
    judged: labels.length - leftOut.images,
    leftOut,
  };
}
