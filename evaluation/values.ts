import { type Tensor, tf } from '../training/index.ts';

/**
 * The values of a tensor, float32; what was made on the way is freed. To be preferred to reading them inside `tf.tidy`, which
 * looks for tensors in whatever its function returns, value by value: of four million that takes seconds.
 */
export function valuesOf(compute: () => Tensor): Float32Array {
  const result = tf.tidy(compute);
  try {
    return result.dataSync<'float32'>();
  } finally {
    result.dispose();
  }
}
