import { type Tensor, type Tensor4D, tf } from './tensorflow.ts';

/**
 * Normalises each pixel over its channels to mean 0 and variance 1: layer normalisation (arXiv:1607.06450) without its scale and
 * offset. Its gradient is written out, because tfjs would take the mean and the variance apart into many passes over the data.
 *
 * @param x float32 [n, height, width, channels]; @returns float32 of the same shape
 */
export function normaliseRows(x: Tensor4D, epsilon: number): Tensor4D {
  const normalise = tf.customGrad((...operands) => {
    const [input, save] = operands as [Tensor, (saved: Tensor[]) => void];
    const centred = tf.sub(input, tf.mean(input, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    const value = tf.mul(centred, inverse);
    save([value, inverse]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [normalised, scale] = saved as [Tensor, Tensor];
        const along = tf.mul(normalised, tf.mean(tf.mul(dy, normalised), -1, true));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), along), scale);
      },
    };
  });
  return normalise(x) as Tensor4D;
}
