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
export function unitLength({ values, count, dimension }: Embedding): Embedding {
  const unit = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dimension) {
    let squared = 0;
    for (let at = start; at < start + dimension; at++) squared += (values[at] as number) ** 2;
    const scale = 1 / Math.sqrt(Math.max(squared, 1e-12));
    for (let at = start; at < start + dimension; at++) unit[at] = (values[at] as number) * scale;
  }
  return { values: unit, count, dimension };
}

/** Rows scaled to length 1, float32 [count, dimension]; a row of zeros stays one. */
export function unitRows({ values, count, dimension }: Embedding): Tensor2D {
  return tf.tidy(() => {
    const rows = tf.tensor2d(values, [count, dimension]);
    return tf.mul(rows, tf.rsqrt(tf.maximum(tf.sum(tf.square(rows), 1, true), 1e-12)));
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
