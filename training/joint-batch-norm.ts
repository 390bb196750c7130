import type { GatherParts } from './exchange.ts';
import { type BatchNormalised, handOver } from './ops.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tf } from './tensorflow.ts';

const axes = [0, 1, 2];

/** The mean of tensors, added in their order. */
const meanOf = (tensors: readonly Tensor[]): Tensor =>
  tf.div(
    tensors.reduce((sum, each) => tf.add(sum, each)),
    tensors.length,
  );

/**
 * Batch normalisation of a part by the statistics of all parts, which have as many values: their moments are gathered on the way forward, and what
 * flows back into them on the way back. With one part it is that of the part alone.
 *
 * @param x float32 [n, height, width, channels]
 */
export function jointBatchNorm(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  epsilon: number,
  gather: GatherParts,
): BatchNormalised {
  const statistics: { mean?: Tensor1D; variance?: Tensor1D } = {};
  const rowsOf = (pairs: readonly Tensor[]) => pairs.map((pair) => tf.unstack(pair) as [Tensor, Tensor]);
  const normalise = tf.customGrad((...operands) => {
    const [input, scale, offset, save] = operands as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const own = tf.mean(input, axes);
    const pairs = rowsOf(gather(tf.stack([own, tf.mean(tf.square(tf.sub(input, own)), axes)])));
    const mean = meanOf(pairs.map(([each]) => each));
    // The variance of a part is about the mean of the part.
    const variance = meanOf(pairs.map(([each, around]) => tf.add(around, tf.square(tf.sub(each, mean)))));
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    statistics.mean = tf.keep(tf.clone(mean)) as Tensor1D;
    statistics.variance = tf.keep(tf.clone(variance)) as Tensor1D;
    save([input, scale, mean, inverse]);
    return {
      value: tf.add(tf.mul(tf.sub(input, mean), tf.mul(inverse, scale)), offset),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [from, by, middle, spread] = saved as [Tensor, Tensor, Tensor, Tensor];
        const unit = tf.mul(tf.sub(from, middle), spread);
        const [ofScale, ofOffset] = [tf.sum(tf.mul(dy, unit), axes), tf.sum(dy, axes)];
        const sums = rowsOf(gather(tf.stack([ofScale, ofOffset])));
        const values = from.size / (from.shape[3] ?? 1);
        const meanOfSums = (index: 0 | 1) => tf.div(meanOf(sums.map((each) => each[index])), values);
        const centred = tf.sub(tf.sub(dy, meanOfSums(1)), tf.mul(unit, meanOfSums(0)));
        return [tf.mul(centred, tf.mul(spread, by)), ofScale, ofOffset];
      },
    };
  });
  const output = normalise(x, gamma, beta) as Tensor4D;
  const { mean, variance } = statistics;
  if (mean === undefined || variance === undefined) throw new Error('batch normalisation gave no statistics');
  return { output, mean: handOver(mean), variance: handOver(variance) };
}
