import { type Tensor, type Tensor2D, tf } from '../../training/index.ts';
import type { Embedding } from '../embedding.ts';
import { valuesOf } from '../values.ts';
import { type SquareMatrix, shrunkCovariance, whitening } from './covariance.ts';

/** Rows that are in TensorFlow's memory at a time, fewer where there are many classes. */
const block = 4096;
const distancesAtOnce = 16_000_000;

/** Scores rows: minus the squared distance to the nearest class, float64 [count]. */
export type MahalanobisScores = (rows: Embedding) => Float64Array;

/**
 * Score by the smallest Mahalanobis distance to the mean of a class (arXiv:1807.03888). The classes share one covariance, that
 * of the training images about the means of their classes, with the shrinkage of Ledoit and Wolf.
 *
 * @param train embeddings of length 1 (as in arXiv:2103.12051); those that are scored must be so too
 */
export function fitMahalanobis(train: Embedding & { readonly labels: Int32Array }): MahalanobisScores {
  const { dimension } = train;
  const means = classMeans(train);
  const { sample, fourthMoment } = covarianceAbout(means, train);
  const matrix = Float32Array.from(whitening(shrunkCovariance(sample, fourthMoment, train.count).covariance).values);
  const classes = [...means.values()];
  // Distances do not change when everything is moved, and are more exact near the origin.
  const origin = Float64Array.from({ length: dimension }, (_, at) =>
    classes.reduce((sum, mean) => sum + (mean[at] as number) / classes.length, 0),
  );
  const white = (rows: Float32Array, count: number) =>
    tf.matMul(
      tf.tensor2d(rows, [count, dimension]),
      tf.tensor2d(matrix, [dimension, dimension]),
      false,
      true,
    ) as Tensor2D;
  const centres = new Float32Array(classes.length * dimension);
  classes.forEach((mean, row) => {
    for (let at = 0; at < dimension; at++)
      centres[row * dimension + at] = (mean[at] as number) - (origin[at] as number);
  });
  const own = Math.max(1, Math.min(block, Math.floor(distancesAtOnce / classes.length)));
  return ({ values, count }) => {
    const scores = new Float64Array(count);
    for (let start = 0; start < count; start += own) {
      const size = Math.min(own, count - start);
      const moved = values.slice(start * dimension, (start + size) * dimension);
      for (let at = 0; at < moved.length; at++) moved[at] = (moved[at] as number) - (origin[at % dimension] as number);
      const distances = valuesOf(() => squaredDistances(white(moved, size), white(centres, classes.length)));
      for (let row = 0; row < size; row++) {
        const toClasses = distances.subarray(row * classes.length, (row + 1) * classes.length);
        scores[start + row] = -toClasses.reduce(
          (least, distance) => Math.min(least, distance),
          Number.POSITIVE_INFINITY,
        );
      }
    }
    return scores;
  };
}

/** Between each of the points and each of the centres: [points, centres]. */
function squaredDistances(points: Tensor2D, centres: Tensor2D): Tensor {
  const products = tf.matMul(points, centres, false, true);
  const lengths = tf.add(tf.sum(tf.square(points), 1, true), tf.sum(tf.square(centres), 1));
  return tf.sub(lengths, tf.mul(products, 2));
}

/** The mean of each class that has images. */
function classMeans({ values, labels, count, dimension }: Embedding & { readonly labels: Int32Array }) {
  const sums = new Map<number, { readonly mean: Float64Array; rows: number }>();
  for (let row = 0; row < count; row++) {
    const label = labels[row] as number;
    const of = sums.get(label) ?? { mean: new Float64Array(dimension), rows: 0 };
    sums.set(label, of);
    of.rows++;
    for (let at = 0; at < dimension; at++)
      of.mean[at] = (of.mean[at] as number) + (values[row * dimension + at] as number);
  }
  return new Map([...sums].map(([label, { mean, rows }]) => [label, mean.map((sum) => sum / rows)]));
}

/** The covariance of rows about the means of their classes, and the mean of the fourth power of their distance to them. */
function covarianceAbout(
  means: ReadonlyMap<number, Float64Array>,
  { values, labels, count, dimension }: Embedding & { readonly labels: Int32Array },
): { readonly sample: SquareMatrix; readonly fourthMoment: number } {
  const sum = new Float64Array(dimension * dimension);
  let fourth = 0;
  for (let start = 0; start < count; start += block) {
    const size = Math.min(block, count - start);
    const centred = new Float32Array(size * dimension);
    for (let row = 0; row < size; row++) {
      const mean = means.get(labels[start + row] as number) as Float64Array;
      let squared = 0;
      for (let at = 0; at < dimension; at++) {
        const value = (values[(start + row) * dimension + at] as number) - (mean[at] as number);
        centred[row * dimension + at] = value;
        squared += value * value;
      }
      fourth += squared * squared;
    }
    const products = valuesOf(() => {
      const rows = tf.tensor2d(centred, [size, dimension]);
      return tf.matMul(rows, rows, true, false);
    });
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + (products[at] as number) / count;
  }
  return { sample: { values: sum, size: dimension }, fourthMoment: fourth / count };
}
