import { type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';

/** Below any similarity that float32 can hold: it is never the largest of its row, and its exponential is 0. */
export const masked = -3e38;

/** Rows of length 1: z / sqrt(max(sum z^2, 1e-12)). */
export function normalised(projections: Tensor2D): Tensor2D {
  const squared = tf.maximum(tf.sum(tf.square(projections), 1, true), 1e-12);
  return tf.mul(projections, tf.rsqrt(squared)) as Tensor2D;
}

const index = (count: number) => tf.range(0, count, 1, 'int32');

/** 1 where a column stands for the row itself: float32 [rows, columns], of which the first `rows` columns are the rows. */
export const selfPairs = (rows: number, columns: number): Tensor2D =>
  tf.cast(tf.equal(tf.expandDims(index(rows), 1), tf.expandDims(index(columns), 0)), 'float32') as Tensor2D;

/** 1 at the class of each row: float32 [rows, classes]. @param labels int32 [rows] */
export const oneHot = (labels: Tensor, classes: number): Tensor2D =>
  tf.cast(tf.equal(tf.reshape(labels, [-1, 1]), tf.expandDims(index(classes), 0)), 'float32') as Tensor2D;

/** 1 for two rows of one class, a row with itself among them: float32 [rows, rows]. @param labels int32 [rows] */
export const sameClass = (labels: Tensor1D): Tensor2D =>
  tf.cast(tf.equal(tf.reshape(labels, [-1, 1]), tf.reshape(labels, [1, -1])), 'float32') as Tensor2D;

/** 1 for a pair of different rows of one class, and for one of different classes: float32 [rows, rows]. @param labels int32 [rows] */
export function classPairs(labels: Tensor1D): { readonly positive: Tensor2D; readonly negative: Tensor2D } {
  const same = sameClass(labels);
  const [rows] = same.shape;
  return { positive: tf.sub(same, selfPairs(rows, rows)), negative: tf.sub(1, same) };
}

/** The values where `kept` is 1, elsewhere `otherwise`, which is far from any value. @param kept float32 of the same shape, 0 or 1 */
export const keepOnly = (values: Tensor, kept: Tensor, otherwise = masked): Tensor =>
  tf.add(tf.mul(values, kept), tf.mul(tf.sub(1, kept), otherwise));
