import { tf } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';
import { accuracyOf } from './metrics/classification.ts';

/** Queries compared at a time, fewer where there are many training images. */
const largestBlock = 500;
const blockValues = 32_000_000;
/** Votes weigh exp(similarity / temperature), as in instance discrimination (arXiv:1805.01978) and solo-learn. */
const temperature = 0.07;

/** What a vote of the k nearest says. */
export interface Neighbours {
  readonly k: number;
  /** Null where there are no test images. */
  readonly accuracy: number | null;
  /** The class that won, by test image; the lowest wins a tie. */
  readonly predicted: Int32Array;
}

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
    onProgress,
  }: {
    readonly ks: readonly number[];
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<Neighbours[]> {
  const most = Math.min(Math.max(...ks), train.count);
  const gallery = unitRows(train);
  const predicted = ks.map(() => new Int32Array(test.count));
  const block = Math.max(1, Math.min(largestBlock, Math.floor(blockValues / train.count)));
  try {
    for (let start = 0; start < test.count; start += block) {
      const count = Math.min(block, test.count - start);
      const rows = test.values.subarray(start * test.dimension, (start + count) * test.dimension);
      // Read outside of `tidy`, which would look through all values for tensors.
      const top = tf.tidy(() => {
        const queries = unitRows({ values: rows, count, dimension: test.dimension });
        return tf.topk(tf.matMul(queries, gallery, false, true), most, true);
      });
      const [similarities, indices] = [top.values.dataSync<'float32'>(), top.indices.dataSync<'int32'>()];
      tf.dispose([top.values, top.indices]);
      for (let row = 0; row < count; row++) {
        ks.forEach((k, which) => {
          const votes = new Map<number, number>();
          for (let at = row * most; at < row * most + Math.min(k, most); at++) {
            const label = train.labels[indices[at] ?? 0] ?? 0;
            votes.set(label, (votes.get(label) ?? 0) + Math.exp(((similarities[at] ?? 0) - 1) / temperature));
          }
          const own = predicted[which];
          if (own) own[start + row] = winner(votes);
        });
      }
      onProgress(start + count, test.count);
      await new Promise(setImmediate);
    }
  } finally {
    gallery.dispose();
  }
  return ks.map((k, which) => {
    const own = predicted[which] ?? new Int32Array();
    return { k, accuracy: accuracyOf(own, test.labels), predicted: own };
  });
}

function winner(votes: ReadonlyMap<number, number>): number {
  let [best, most] = [-1, Number.NEGATIVE_INFINITY];
  for (const [label, weight] of votes)
    if (weight > most || (weight === most && label < best)) [best, most] = [label, weight];
  return best;
}
