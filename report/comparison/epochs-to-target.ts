import type { LearningCurve } from '../../contracts/learning-curve.ts';

/**
 * The first epoch of a curve at which an accuracy is reached; null where it never is. Only epochs that were measured
 * count, so a curve of every tenth epoch answers in tens.
 */
export const epochsToTarget = (
  { points }: Pick<LearningCurve, 'points'>,
  target: number,
  by: 'probe' | 'knn' = 'probe',
): number | null => points.find((point) => point[by] >= target)?.epoch ?? null;
