import type { ScheduleConfig } from '../../contracts/training.ts';

/**
 * The learning rate of a step: linear warm-up to `peak`, then half a cosine down to `peak * finalFraction`, or constant.
 *
 * @param step from 0, counted over the whole training
 */
export function learningRateAt(
  schedule: ScheduleConfig,
  peak: number,
  step: number,
  { stepsPerEpoch, epochs }: { readonly stepsPerEpoch: number; readonly epochs: number },
): number {
  if (schedule.name === 'constant') return peak;
  const warmupSteps = Math.round(schedule.warmupEpochs * stepsPerEpoch);
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const decaySteps = Math.max(1, epochs * stepsPerEpoch - warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  const cosine = (1 + Math.cos(Math.PI * progress)) / 2;
  return peak * (schedule.finalFraction + (1 - schedule.finalFraction) * cosine);
}
