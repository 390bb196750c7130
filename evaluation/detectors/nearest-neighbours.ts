import { type Embedding, unitRows } from '../embedding.ts';
import { visitNearest } from '../nearest.ts';

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
  const gallery = unitRows(train);
  const total = queries.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  try {
    const scores: Float64Array[] = [];
    for (const set of queries) {
      const own = new Float64Array(set.count);
      const before = done;
      await visitNearest(
        set,
        gallery,
        { k, block },
        (query, _, cosines) => {
          own[query] = -Math.sqrt(Math.max(0, 2 - 2 * (cosines.at(-1) as number)));
        },
        async (visited) => {
          done = before + visited;
          onProgress(done, total);
          await new Promise(setImmediate);
        },
      );
      scores.push(own);
    }
    return scores;
  } finally {
    gallery.dispose();
  }
}
