import { type Embedding, unitRows } from './embedding.ts';
import { accuracyOf } from './metrics/classification.ts';
import { queriesAtOnce, visitNearest } from './nearest.ts';

/** Queries compared at a time, fewer where there are many training images. */
const atOnce = { largest: 500, values: 32_000_000 };
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
  const gallery = unitRows(train);
  const predicted = ks.map(() => new Int32Array(test.count));
  try {
    await visitNearest(
      test,
      gallery,
      { k: Math.max(...ks), block: queriesAtOnce(train.count, atOnce) },
      (query, rows, cosines) => {
        for (const [which, k] of ks.entries()) {
          const votes = new Map<number, number>();
          for (const [at, row] of rows.subarray(0, k).entries()) {
            const label = train.labels[row] ?? 0;
            votes.set(label, (votes.get(label) ?? 0) + Math.exp(((cosines[at] ?? 0) - 1) / temperature));
          }
          const own = predicted[which];
          if (own) own[query] = winner(votes);
        }
      },
      async (done) => {
        onProgress(done, test.count);
        await new Promise(setImmediate);
      },
    );
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
