import { rowsByClass } from '../datasets/index.ts';
import { tf } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';
import { queryMeasures, ranksOf } from './metrics/ranking.ts';
import { binOf, noPairs, type PairCounts } from './metrics/verification.ts';

/** Queries compared at a time, fewer in a large gallery. */
const largestBlock = 256;
const blockValues = 16_000_000;

/** What each query of a gallery finds in it, and how similar its pairs are. */
export interface GalleryMeasures {
  /** Rows whose class has another row, ascending: what the measures are of. */
  readonly queries: Int32Array;
  /** Place of the first row of the query's class. */
  readonly first: Int32Array;
  readonly rPrecision: Float64Array;
  readonly mapAtR: Float64Array;
  readonly ndcg: Float64Array;
  /** Of all pairs of rows, each counted once. */
  readonly pairs: PairCounts;
}

/**
 * Searches the whole of a gallery for each of its rows, which is left out of its own answers. The similarities are computed in
 * blocks, so that memory grows with the gallery, not with its square.
 *
 * @param onProgress is told how many rows have been looked at, and may throw to stop
 */
export async function searchGallery(
  gallery: Embedding & { readonly labels: Int32Array },
  onProgress: (done: number, total: number) => void,
): Promise<GalleryMeasures> {
  const { count, labels } = gallery;
  const classes = rowsByClass(labels);
  const queries = Int32Array.from(labels.keys()).filter((row) => (classes.get(labels[row] as number)?.length ?? 0) > 1);
  const placeOf = new Map(Array.from(queries, (row, place) => [row, place]));
  const empty = () => new Float64Array(queries.length);
  const measures = { rPrecision: empty(), mapAtR: empty(), ndcg: empty() };
  const first = new Int32Array(queries.length);
  const pairs = noPairs();
  const unit = unitRows(gallery);
  const block = Math.max(1, Math.min(largestBlock, Math.floor(blockValues / Math.max(1, count))));
  try {
    for (let start = 0; start < count; start += block) {
      const size = Math.min(block, count - start);
      const product = tf.tidy(() => tf.matMul(tf.slice(unit, [start, 0], [size, -1]), unit, false, true));
      const values = product.dataSync<'float32'>();
      product.dispose();
      for (let row = start; row < start + size; row++) {
        const similarities = values.subarray((row - start) * count, (row - start + 1) * count);
        countPairs(pairs, similarities, labels, row);
        const place = placeOf.get(row);
        if (place === undefined) continue;
        const relevant = (classes.get(labels[row] as number) ?? []).filter((other) => other !== row);
        const ranks = ranksOf(similarities, row, relevant);
        first[place] = ranks[0] as number;
        const of = queryMeasures(ranks);
        for (const name of ['rPrecision', 'mapAtR', 'ndcg'] as const) measures[name][place] = of[name];
      }
      onProgress(start + size, count);
      await new Promise(setImmediate);
    }
  } finally {
    unit.dispose();
  }
  return { queries, first, ...measures, pairs };
}

function countPairs(
  { same, different }: PairCounts,
  similarities: Float32Array,
  labels: Int32Array,
  row: number,
): void {
  const own = labels[row];
  for (let other = row + 1; other < labels.length; other++) {
    const counts = labels[other] === own ? same : different;
    const bin = binOf(similarities[other] as number);
    counts[bin] = (counts[bin] as number) + 1;
  }
}
