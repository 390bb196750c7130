import { type RocPoint, thinned } from './detection.ts';

/** Bins of cosine similarity from -1 to 1: a threshold is known to 0.0005. */
const bins = 4000;

/** How many pairs of images of one class, and of different classes, are so similar: counts by bin. */
export interface PairCounts {
  readonly same: Float64Array;
  readonly different: Float64Array;
}

export const noPairs = (): PairCounts => ({ same: new Float64Array(bins), different: new Float64Array(bins) });

/** The bin of a similarity; what rounding takes past -1 or 1 is in the last one. */
export const binOf = (similarity: number): number =>
  Math.min(bins - 1, Math.max(0, Math.floor(((similarity + 1) / 2) * bins)));

/** The least similarity of a bin. */
const edgeOf = (bin: number) => (2 * bin) / bins - 1;

/** A decision by a threshold: two images are of one class where their similarity reaches it. */
export interface Verification {
  /** How many pairs it was measured on. */
  readonly pairs: { readonly same: number; readonly different: number };
  /** Where as large a share of the pairs of different classes is accepted as is rejected of those of one class; null without pairs of both. */
  readonly equalErrorRate: number | null;
  /** At most 201 points; empty without pairs of both. */
  readonly roc: readonly RocPoint[];
}

export const pairsOf = ({ same, different }: PairCounts): Verification['pairs'] => ({
  same: sum(same),
  different: sum(different),
});

export function verification(counts: PairCounts): Verification {
  const pairs = pairsOf(counts);
  if (pairs.same === 0 || pairs.different === 0) return { pairs, equalErrorRate: null, roc: [] };
  const curve: RocPoint[] = [{ falsePositives: 0, truePositives: 0 }];
  let [same, different] = [0, 0];
  for (let bin = bins - 1; bin >= 0; bin--) {
    if (counts.same[bin] === 0 && counts.different[bin] === 0) continue;
    same += counts.same[bin] as number;
    different += counts.different[bin] as number;
    curve.push({ falsePositives: different / pairs.different, truePositives: same / pairs.same });
  }
  return { pairs, equalErrorRate: equalErrorRate(curve), roc: thinned(curve) };
}

/** Where the curve meets the line from (0, 1) to (1, 0). */
function equalErrorRate(curve: readonly RocPoint[]): number {
  const over = ({ falsePositives, truePositives }: RocPoint) => falsePositives + truePositives - 1;
  const at = curve.findIndex((point) => over(point) >= 0);
  const [before, after] = [curve[at - 1], curve[at]] as [RocPoint, RocPoint];
  const share = -over(before) / (over(after) - over(before));
  return before.falsePositives + share * (after.falsePositives - before.falsePositives);
}

/** The lowest threshold that accepts at most such a share of the pairs of different classes; null where there are none. */
export function thresholdFor({ different }: PairCounts, falseAccepts: number): number | null {
  const all = sum(different);
  if (all === 0) return null;
  let accepted = 0;
  for (let bin = bins - 1; bin >= 0; bin--) {
    accepted += different[bin] as number;
    if (accepted > falseAccepts * all) return edgeOf(bin + 1);
  }
  return -1;
}

/** Shares of the pairs that reach a threshold; null where there are no such pairs. */
export function acceptedAt(
  counts: PairCounts,
  threshold: number,
): { falseAccepts: number | null; trueAccepts: number | null } {
  const share = (values: Float64Array) => {
    const all = sum(values);
    return all === 0 ? null : sum(values.subarray(Math.round(((threshold + 1) / 2) * bins))) / all;
  };
  return { falseAccepts: share(counts.different), trueAccepts: share(counts.same) };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
