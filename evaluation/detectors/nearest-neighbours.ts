import { tf } from '../../training/index.ts';
import { type Embedding, unitRows } from '../embedding.ts';
import { valuesOf } from '../values.ts';

/** Queries compared at a time. */
const block = 500;

/**
 * Score by the k-th nearest training image (arXiv:2204.06507): minus the distance to it, between embeddings of length 1.
 * Of fewer than k training images, the farthest.
 *
 * @param queries each is scored, float64 [count]
 */
export async function nearestNeighbourScores(
  train: Embedding,
  queries: readonly Embedding[],
  k: number,
  onProgress: (done: number, total: number) => void,
): Promise<Float64Array[]> {
  const at = Math.min(k, train.count) - 1;
  const gallery = unitRows(train);
  const total = queries.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  try {
    const scores: Float64Array[] = [];
    for (const { values, count, dimension } of queries) {
      const own = new Float64Array(count);
      for (let start = 0; start < count; start += block) {
        const size = Math.min(block, count - start);
        const rows = values.subarray(start * dimension, (start + size) * dimension);
        const similarities = valuesOf(() => {
          const unit = unitRows({ values: rows, count: size, dimension });
          return tf.topk(tf.matMul(unit, gallery, false, true), at + 1, true).values;
        });
        for (let row = 0; row < size; row++)
          own[start + row] = -Math.sqrt(Math.max(0, 2 - 2 * (similarities[row * (at + 1) + at] as number)));
        done += size;
        onProgress(done, total);
        await new Promise(setImmediate);
      }
      scores.push(own);
    }
    return scores;
  } finally {
    gallery.dispose();
  }
}
