import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { isContrastive, type LossConfig } from '../contracts/training.ts';
import { batchPlan } from '../datasets/index.ts';
import { baseTemperature } from './losses/supcon.ts';
import type { TrainingSession } from './session.ts';

/** What a contrastive training is judged by besides its loss; nothing of it needs the device. */
export function contrastiveFacts(
  { config, count, labels }: Pick<TrainingSession, 'config' | 'count' | 'labels'>,
  epoch: number,
): Pick<EpochMetrics, 'collapsedLoss' | 'withoutPositives'> {
  if (!isContrastive(config)) return {};
  const batch = Math.min(config.batch, count);
  const { steps, indices } = batchPlan({ count, batch, seed: config.seed, epoch });
  let without = 0;
  for (let step = 0; step < steps; step++) {
    const classes = new Set<number | undefined>();
    for (const row of indices(step)) classes.add(labels[row]);
    if (classes.size === batch) without++;
  }
  return { collapsedLoss: collapsedLoss(config.loss, batch), withoutPositives: without / steps };
}

/** The loss where all projections are equal: ln(2N - 1), with a full queue ln(2N - 1 + queue), scaled as the loss is. */
export function collapsedLoss({ supcon }: LossConfig, batch: number): number {
  const { temperature, scale, queue } = supcon;
  const factor = scale === 'none' ? 1 : scale === 'temperature' ? temperature : temperature / baseTemperature;
  return factor * Math.log(2 * batch - 1 + queue);
}
