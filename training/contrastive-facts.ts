import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { isContrastive, type LossConfig } from '../contracts/training.ts';
import { baseTemperature } from './losses/supcon.ts';
import type { TrainingSession } from './session.ts';

/** What a contrastive training is judged by besides its loss; nothing of it needs the device. */
export function contrastiveFacts({
  config,
  count,
  perClass,
}: Pick<TrainingSession, 'config' | 'count' | 'perClass'>): Pick<EpochMetrics, 'collapsedLoss' | 'withoutPositives'> {
  if (!isContrastive(config)) return {};
  const batch = Math.min(config.batch, count);
  return { collapsedLoss: collapsedLoss(config.loss, batch), withoutPositives: shareWithoutPositives(perClass, batch) };
}

/** The loss where all projections are equal: ln(2N - 1), with a full queue ln(2N - 1 + queue), scaled as the loss is. */
export function collapsedLoss({ supcon }: LossConfig, batch: number): number {
  const { temperature, scale, queue } = supcon;
  const factor = scale === 'none' ? 1 : scale === 'temperature' ? temperature : temperature / baseTemperature;
  return factor * Math.log(2 * batch - 1 + queue);
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
