/**
 * How well a score tells known images from others. Higher means more likely known; known images are the positives, and an
 * image passes a threshold that its score reaches.
 */

/** Shares of foreign and of known images that pass a threshold. */
export interface RocPoint {
  readonly falsePositives: number;
  readonly truePositives: number;
}

type Scores = ArrayLike<number>;

/**
 * The ROC curve from (0, 0) to (1, 1): a point for each score that occurs, so that equal scores are one straight line. There is
 * none, and so no measure of it, where either side has no scores.
 */
export function rocCurve(known: Scores, foreign: Scores): RocPoint[] {
  if (known.length === 0 || foreign.length === 0) return [];
  const passing = [descending(known), descending(foreign)] as const;
  const passed: [number, number] = [0, 0];
  const points: RocPoint[] = [{ falsePositives: 0, truePositives: 0 }];
  for (;;) {
    const threshold = Math.max(
      ...passing.map((scores, which) => scores[passed[which] ?? 0] ?? Number.NEGATIVE_INFINITY),
    );
    if (passed[0] === known.length && passed[1] === foreign.length) return points;
    for (const which of [0, 1] as const) {
      const scores = passing[which];
      while (passed[which] < scores.length && (scores[passed[which]] as number) >= threshold) passed[which]++;
    }
    points.push({
      falsePositives: passed[1] / foreign.length,
      truePositives: passed[0] / known.length,
    });
  }
}

/** A score that is not a number passes last. */
const descending = (scores: Scores) =>
  Float64Array.from(scores, (score) => (Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score))
    .sort()
    .reverse();

/** Area under a ROC curve: the chance that a known image scores above a foreign one, ties counting half; null for none. */
export function areaUnder(curve: readonly RocPoint[]): number | null {
  if (curve.length === 0) return null;
  return curve.slice(1).reduce((area, point, index) => {
    const before = curve[index] as RocPoint;
    const height = (point.truePositives + before.truePositives) / 2;
    return area + (point.falsePositives - before.falsePositives) * height;
  }, 0);
}

/** Share of foreign images that pass the highest threshold that at least `share` of the known ones pass; null for no curve. */
export const falsePositivesAt = (curve: readonly RocPoint[], share: number): number | null =>
  curve.length === 0 ? null : (curve.find(({ truePositives }) => truePositives >= share)?.falsePositives ?? 1);

/**
 * A curve of at most `most` points, evenly spread along it, with both ends: each point is at least 2 / (most - 1) from the
 * one before, counted along both axes.
 */
export function thinned(curve: readonly RocPoint[], most = 201): RocPoint[] {
  if (curve.length <= most) return [...curve];
  const along = ({ falsePositives, truePositives }: RocPoint) => falsePositives + truePositives;
  const step = 2 / (most - 1);
  const [first, last] = [curve[0], curve.at(-1)] as [RocPoint, RocPoint];
  const kept = [first];
  for (const point of curve.slice(1, -1)) if (along(point) - along(kept.at(-1) as RocPoint) >= step) kept.push(point);
  return [...kept.slice(0, most - 1), last];
}
