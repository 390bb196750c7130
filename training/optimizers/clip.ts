import { type Tensor, tf } from '../tensorflow.ts';

/**
 * Gradients scaled so that their norm, over all of them together, is at most `norm` (arXiv:1211.5063, algorithm 1); shorter ones
 * keep their values.
 *
 * @param gradients float32, by parameter name
 */
export function clipByNorm(
  gradients: Readonly<Record<string, Tensor>>,
  norm: number,
): Readonly<Record<string, Tensor>> {
  const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
  const share = tf.div(norm, tf.maximum(tf.sqrt(tf.addN(squares)), norm));
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, share)]));
}
