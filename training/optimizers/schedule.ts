import type { ScheduleConfig } from '../../contracts/optimizer.ts';
import { type Scalar, type Tensor, tf } from '../tensorflow.ts';

/** How long a training is, in its own units. */
export interface TrainingLength {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/** Steps of warm-up, and of decay after it. */
const phases = (schedule: ScheduleConfig, { stepsPerEpoch, epochs }: TrainingLength) => {
  const warmup = Math.round((schedule.warmupEpochs ?? 0) * stepsPerEpoch);
  return { warmup, decay: Math.max(1, epochs * stepsPerEpoch - warmup) };
};

/**
 * The learning rate of a step: linear warm-up to `peak`, then half a cosine down to `peak * finalFraction`, or `peak` throughout.
 *
 * @param step from 0, counted over the whole training
 */
export function learningRateAt(schedule: ScheduleConfig, peak: number, step: number, length: TrainingLength): number {
  const { warmup, decay } = phases(schedule, length);
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (schedule.name === 'constant') return peak;
  const progress = Math.min(1, (step - warmup) / decay);
  const cosine = (1 + Math.cos(Math.PI * progress)) / 2;
  return peak * (schedule.finalFraction + (1 - schedule.finalFraction) * cosine);
}

/**
 * The same as part of a step.
 *
 * @param step int32 scalar
 * @returns float32 scalar
 */
export function learningRate(schedule: ScheduleConfig, peak: number, step: Tensor, length: TrainingLength): Scalar {
  const { warmup, decay } = phases(schedule, length);
  if (schedule.name === 'constant' && warmup === 0) return tf.scalar(peak);
  const rising = tf.mul(tf.cast(tf.add(step, tf.scalar(1, 'int32')), 'float32'), peak / Math.max(1, warmup));
  const isRising = tf.less(step, tf.scalar(warmup, 'int32'));
  if (schedule.name === 'constant') return tf.where(isRising, rising, tf.scalar(peak)) as Scalar;
  const since = tf.cast(tf.sub(step, tf.scalar(warmup, 'int32')), 'float32');
  const cosine = tf.div(tf.add(tf.cos(tf.mul(tf.minimum(tf.div(since, decay), 1), Math.PI)), 1), 2);
  const falling = tf.mul(tf.add(tf.mul(cosine, 1 - schedule.finalFraction), schedule.finalFraction), peak);
  return tf.where(isRising, rising, falling) as Scalar;
}
