import { leastSquare, unitLength as scaled } from '../contracts/unit-length.ts';
import { type Tensor2D, tf } from '../training/index.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import type { Similarities } from './metrics/geometry.ts';
import { valuesOf } from './values.ts';

/** Rows [count, dimension], row-major. */
export interface Embedding {
  readonly values: Float32Array;
  readonly count: number;
  readonly dimension: number;
}

export const asEmbedding = ({
  features,
  labels,
  count,
  dimension,
}: LabelledFeatures): Embedding & { readonly labels: Int32Array } => ({ values: features, labels, count, dimension });

/** Rows scaled to length 1 outside TensorFlow's memory; a row of zeros stays one. */
export const unitLength = ({ values, count, dimension }: Embedding): Embedding => ({
  values: scaled(values, dimension),
  count,
  dimension,
});

/** Rows scaled to length 1, float32 [count, dimension]; a row of zeros stays one. */
export function unitRows({ values, count, dimension }: Embedding): Tensor2D {
  return tf.tidy(() => {
    const rows = tf.tensor2d(values, [count, dimension]);
    return tf.mul(rows, tf.rsqrt(tf.maximum(tf.sum(tf.square(rows), 1, true), leastSquare)));
  });
}

/** Cosine similarities of all pairs of rows, by one matrix product: [count, count]. */
export function cosineSimilarities(embedding: Embedding): Similarities {
  const values = valuesOf(() => {
    const rows = unitRows(embedding);
    return tf.matMul(rows, rows, false, true);
  });
  return { values, count: embedding.count };
}

/** The given rows of an embedding, or of another matrix. */
export function rowsOf({ values, dimension }: Pick<Embedding, 'values' | 'dimension'>, rows: Int32Array): Embedding {
  const taken = new Float32Array(rows.length * dimension);
  rows.forEach((row, at) => {
    taken.set(values.subarray(row * dimension, (row + 1) * dimension), at * dimension);
  });
  return { values: taken, count: rows.length, dimension };
}
