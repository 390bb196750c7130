import type { LearningCurve } from '../../contracts/learning-curve.ts';

type Points = Pick<LearningCurve, 'points'>;

/** Where a curve first reaches an accuracy. */
export const pointAtTarget = ({ points }: Points, target: number, by: 'probe' | 'knn' = 'probe') =>
  points.find((point) => point[by] >= target);

/**
 * The first epoch of a curve at which an accuracy is reached; null where it never is. Only epochs that were measured
 * count, so a curve of every tenth epoch answers in tens.
 */
export const epochsToTarget = (curve: Points, target: number, by?: 'probe' | 'knn'): number | null =>
  pointAtTarget(curve, target, by)?.epoch ?? null;
