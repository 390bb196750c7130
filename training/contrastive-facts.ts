import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { learnsClasses, namedLoss } from '../contracts/losses.ts';
import { goesByLabels, isContrastive, type TrainingConfig, viewCounts } from '../contracts/training.ts';
import { collapsedLoss } from './losses/collapsed-loss.ts';
import type { TrainingSession } from './session.ts';

/**
 * Facts that help to judge a contrastive training, computed without the device. Batches without positives are counted by class alone,
 * and only for a loss that learns from pairs.
 */
export function contrastiveFacts({
  config,
  batch,
  perClass,
}: Pick<TrainingSession, 'config' | 'batch' | 'perClass'>): Pick<EpochMetrics, 'collapsedLoss' | 'withoutPositives'> {
  if (!isContrastive(config)) return {};
  const { full, small } = viewCounts(config);
  const balanced = config.sampler?.balanced.perClass ?? null;
  const collapsed = collapsedLoss(config.loss, { batch, views: full + small, perClass, balanced });
  const countsPairs = !goesByLabels(config) && !learnsClasses(namedLoss(config.loss).name);
  return {
    ...(collapsed === undefined ? {} : { collapsedLoss: collapsed }),
    ...(countsPairs ? { withoutPositives: withoutPositives(config, perClass, batch) } : {}),
  };
}

/** A balanced batch has two images of a class or none has. */
const withoutPositives = ({ sampler }: TrainingConfig, perClass: readonly number[], batch: number): number =>
  sampler ? Number(sampler.balanced.perClass === 1) : shareWithoutPositives(perClass, batch);

/**
 * The expected share of batches in which no two images are of one class: batch! e(batch) / (n (n - 1) …), with e the elementary
 * symmetric polynomial of the images in each class.
 */
export function shareWithoutPositives(perClass: readonly number[], batch: number): number {
  const total = perClass.reduce((sum, each) => sum + each, 0);
  if (batch > perClass.filter((each) => each > 0).length) return 0;
  // distinct[j]: the probability that j images, drawn with replacement, are of j classes among those seen so far.
  const distinct = new Float64Array(batch + 1);
  distinct[0] = 1;
  for (const each of perClass)
    for (let j = batch; j >= 1; j--) distinct[j] = (distinct[j] ?? 0) + (each / total) * j * (distinct[j - 1] ?? 0);
  let share = distinct[batch] ?? 0;
  for (let drawn = 1; drawn < batch; drawn++) share *= total / (total - drawn);
  return share;
}
