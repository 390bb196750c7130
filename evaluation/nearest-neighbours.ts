import { tf } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';

/** Queries compared at a time. */
const block = 500;
/** Votes weigh exp(similarity / temperature), as in instance discrimination (arXiv:1805.01978) and solo-learn. */
const temperature = 0.07;

/**
 * Accuracy of a vote among the k training images that are nearest by cosine, for each k.
 *
 * Where k is larger than the training set, all of it votes.
 *
 * @param onProgress may throw to stop
 */
export async function nearestNeighbourAccuracy(
  train: Embedding & { readonly labels: Int32Array },
  test: Embedding & { readonly labels: Int32Array },
  {
    ks,
    classes,
    onProgress,
  }: {
    readonly ks: readonly number[];
    readonly classes: number;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<{ k: number; accuracy: number }[]> {
  const most = Math.min(Math.max(...ks), train.count);
  const gallery = unitRows(train);
  const hits = ks.map(() => 0);
  try {
    for (let start = 0; start < test.count; start += block) {
      const count = Math.min(block, test.count - start);
      const rows = test.values.subarray(start * test.dimension, (start + count) * test.dimension);
      const { similarities, indices } = tf.tidy(() => {
        const queries = unitRows({ values: rows, count, dimension: test.dimension });
        const top = tf.topk(tf.matMul(queries, gallery, false, true), most, true);
        return { similarities: top.values.dataSync<'float32'>(), indices: top.indices.dataSync<'int32'>() };
      });
      for (let row = 0; row < count; row++) {
        ks.forEach((k, which) => {
          const votes = new Float64Array(classes);
          for (let at = row * most; at < row * most + Math.min(k, most); at++) {
            const label = train.labels[indices[at] ?? 0] ?? 0;
            votes[label] = (votes[label] ?? 0) + Math.exp(((similarities[at] ?? 0) - 1) / temperature);
          }
          if (votes.indexOf(Math.max(...votes)) === test.labels[start + row]) hits[which] = (hits[which] ?? 0) + 1;
        });
      }
      onProgress(start + count, test.count);
      await new Promise(setImmediate);
    }
  } finally {
    gallery.dispose();
  }
  return ks.map((k, which) => ({ k, accuracy: (hits[which] ?? 0) / Math.max(1, test.count) }));
}
