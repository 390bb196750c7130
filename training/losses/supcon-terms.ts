import { type Tensor, tf } from '../tensorflow.ts';
import { keepOnly } from './pairs.ts';

/**
 * The two terms of the loss of an anchor, log-denominator - positives, each with its gradient for the similarities:
 * [rows, 1] and [rows, columns].
 */
export interface Term {
  readonly value: Tensor;
  readonly gradient: Tensor;
}

/** The smallest sum that is divided by or taken the logarithm of; sums of rows that count are 1 or more. */
const tiny = 1e-30;

/**
 * log sum_a exp(s_ia) over the columns that are not masked.
 *
 * @param others similarities [rows, columns]; masked ones are below all
 */
export function logDenominator(others: Tensor): Term {
  const largest = tf.max(others, 1, true);
  const exponentials = tf.exp(tf.sub(others, largest));
  const sum = tf.sum(exponentials, 1, true);
  return { value: tf.add(tf.log(sum), largest), gradient: tf.div(exponentials, sum) };
}

/**
 * The same, where each negative counts as exp(beta s_in) / mean_m exp(beta s_im) negatives, with the mean over the negatives m of the row:
 * the importance sampling of hard negatives of arXiv:2010.04592 (section 3), which draws them in proportion to exp(beta s), for
 * negatives that labels tell (arXiv:2209.00078), so that nothing needs debiasing. With beta = 0 it is `logDenominator`.
 *
 * @param s similarities [rows, columns]
 * @param kept 1 for a column that is a positive or a negative of the row, [rows, columns]
 * @param negative 1 for a negative, [rows, columns]
 */
export function hardLogDenominator(s: Tensor, kept: Tensor, negative: Tensor, beta: number): Term {
  const tilted = logDenominator(keepOnly(tf.mul(s, beta), negative));
  const count = tf.maximum(tf.sum(negative, 1, true), 1);
  const logWeight = tf.sub(tf.add(tf.mul(s, beta), tf.log(count)), tilted.value);
  const all = logDenominator(keepOnly(tf.add(s, tf.mul(logWeight, negative)), kept));
  const ofNegatives = tf.mul(all.gradient, negative);
  const tilt = tf.sub(ofNegatives, tf.mul(tf.sum(ofNegatives, 1, true), tf.mul(tilted.gradient, negative)));
  return { value: all.value, gradient: tf.add(all.gradient, tf.mul(tilt, beta)) };
}

/** sum_p t_ip s_ip. @param target t, of which a row adds up to 1 or is 0 */
export const meanOfPositives = (s: Tensor, target: Tensor): Term => ({
  value: tf.sum(tf.mul(target, s), 1, true),
  gradient: target,
});

/**
 * log sum_p t_ip exp(s_ip). A row without a positive gives a finite number.
 *
 * @param target t, of which a row adds up to 1 or is 0
 */
export function logMeanOfPositives(s: Tensor, target: Tensor): Term {
  const kept = tf.cast(tf.greater(target, 0), 'float32');
  const largest = tf.max(keepOnly(s, kept), 1, true);
  const exponentials = tf.mul(target, tf.exp(tf.sub(keepOnly(s, kept), largest)));
  const sum = tf.maximum(tf.sum(exponentials, 1, true), tiny);
  return { value: tf.add(tf.log(sum), largest), gradient: tf.div(exponentials, sum) };
}
