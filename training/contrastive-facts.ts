import type { EpochMetrics } from '../contracts/checkpoints.ts';
import {
  goesByLabels,
  isContrastive,
  type LossConfig,
  type TrainingConfig,
  viewCounts,
} from '../contracts/training.ts';
import { baseTemperature } from './losses/supcon.ts';
import type { TrainingSession } from './session.ts';

/** Facts that help to judge a contrastive training, computed without the device. Batches without positives are counted by class alone. */
export function contrastiveFacts({
  config,
  batch,
  perClass,
}: Pick<TrainingSession, 'config' | 'batch' | 'perClass'>): Pick<EpochMetrics, 'collapsedLoss' | 'withoutPositives'> {
  if (!isContrastive(config)) return {};
  const { full, small } = viewCounts(config);
  return {
    collapsedLoss: collapsedLoss(config.loss, batch * (full + small)),
    ...(goesByLabels(config) ? {} : { withoutPositives: withoutPositives(config, perClass, batch) }),
  };
}

/** A balanced batch has two images of a class or none has. */
const withoutPositives = ({ sampler }: TrainingConfig, perClass: readonly number[], batch: number): number =>
  sampler ? Number(sampler.balanced.perClass === 1) : shareWithoutPositives(perClass, batch);

/** The loss where all of so many projections are equal: ln(rows - 1), with a full queue ln(rows - 1 + queue), scaled as the loss is. */
export function collapsedLoss({ supcon }: LossConfig, rows: number): number {
  const { temperature, scale, queue } = supcon;
  const factor = scale === 'none' ? 1 : scale === 'temperature' ? temperature : temperature / baseTemperature;
  return factor * Math.log(rows - 1 + queue);
}

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
