import { rowsByClass } from '../datasets/index.ts';
import { tf } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';
import { queryMeasures, ranksOf } from './metrics/ranking.ts';
import { binOf, noPairs, type PairCounts } from './metrics/verification.ts';

/** Queries compared at a time, fewer in a large gallery. */
const largestBlock = 256;
const blockValues = 16_000_000;

export type Labelled = Embedding & { readonly labels: Int32Array };

/** What is searched for, and among what. */
export interface Search {
  readonly query: Labelled;
  readonly gallery: Labelled;
  /** Of each image of `query` its own row in the gallery, which is left out of its answers; -1 where it is not there. */
  readonly ownRows: Int32Array;
}

/** Each row of a gallery is searched for among all the others. */
export const amongThemselves = (gallery: Labelled): Search => ({
  query: gallery,
  gallery,
  ownRows: Int32Array.from({ length: gallery.count }, (_, row) => row),
});

/** What each query finds in a gallery. */
export interface QueryAnswers {
  /** Rows of `query` whose class has another row in the gallery, ascending: what the measures are of. */
  readonly queries: Int32Array;
  /** Place of the first row of the query's class. */
  readonly first: Int32Array;
  readonly rPrecision: Float64Array;
  readonly mapAtR: Float64Array;
  readonly ndcg: Float64Array;
}

export interface GalleryMeasures extends QueryAnswers {
  /** Of all pairs of an image of `query` and another of the gallery, each counted once. */
  readonly pairs: PairCounts;
}

/**
 * Searches the whole of a gallery for each query. The similarities are computed in blocks, so that memory grows with the gallery,
 * not with its product with the queries.
 *
 * @param onProgress is told how many images of `query` have been looked at, and may throw to stop
 */
export async function searchGallery(
  { query, gallery, ownRows }: Search,
  onProgress: (done: number, total: number) => void,
): Promise<GalleryMeasures> {
  const classes = rowsByClass(gallery.labels);
  const relevantTo = (row: number) =>
    (classes.get(query.labels[row] as number) ?? []).filter((other) => other !== ownRows[row]);
  const isLone = (row: number) => {
    const others = classes.get(query.labels[row] as number)?.length ?? 0;
    return others <= Number((ownRows[row] as number) >= 0);
  };
  const queries = Int32Array.from(query.labels.keys()).filter((row) => !isLone(row));
  const placeOf = new Map(Array.from(queries, (row, place) => [row, place]));
  const empty = () => new Float64Array(queries.length);
  const measures = { rPrecision: empty(), mapAtR: empty(), ndcg: empty() };
  const first = new Int32Array(queries.length);
  const pairs = noPairs();
  const isQuery = new Uint8Array(gallery.count);
  for (const row of ownRows) if (row >= 0) isQuery[row] = 1;
  const unit = unitRows(gallery);
  const block = Math.max(1, Math.min(largestBlock, Math.floor(blockValues / Math.max(1, gallery.count))));
  try {
    for (let start = 0; start < query.count; start += block) {
      const size = Math.min(block, query.count - start);
      const { dimension } = query;
      const rows = query.values.subarray(start * dimension, (start + size) * dimension);
      const product = tf.tidy(() => tf.matMul(unitRows({ values: rows, count: size, dimension }), unit, false, true));
      const values = product.dataSync<'float32'>();
      product.dispose();
      for (let row = start; row < start + size; row++) {
        const similarities = values.subarray((row - start) * gallery.count, (row - start + 1) * gallery.count);
        const own = ownRows[row] as number;
        countPairs(pairs, similarities, gallery.labels, { label: query.labels[row] as number, own, isQuery });
        const place = placeOf.get(row);
        if (place === undefined) continue;
        const ranks = ranksOf(similarities, own, relevantTo(row));
        first[place] = ranks[0] as number;
        const of = queryMeasures(ranks);
        for (const name of ['rPrecision', 'mapAtR', 'ndcg'] as const) measures[name][place] = of[name];
      }
      onProgress(start + size, query.count);
      await new Promise(setImmediate);
    }
  } finally {
    unit.dispose();
  }
  return { queries, first, ...measures, pairs };
}

/** @param isQuery of each row of the gallery, whether it is searched for as well: a pair of two such is counted from the lower */
function countPairs(
  { same, different }: PairCounts,
  similarities: Float32Array,
  labels: Int32Array,
  { label, own, isQuery }: { readonly label: number; readonly own: number; readonly isQuery: Uint8Array },
): void {
  for (let other = 0; other < labels.length; other++) {
    if (own >= 0 && (other === own || (isQuery[other] === 1 && other < own))) continue;
    const counts = labels[other] === label ? same : different;
    const bin = binOf(similarities[other] as number);
    counts[bin] = (counts[bin] as number) + 1;
  }
}

/** The answers to some of the queries. @param isKept of a row of `query` */
export function answersOf(
  { queries, first, rPrecision, mapAtR, ndcg }: QueryAnswers,
  isKept: (row: number) => boolean,
): QueryAnswers {
  const of = <T extends Int32Array | Float64Array>(values: T): T =>
    values.filter((_, place) => isKept(queries[place] as number)) as T;
  return { queries: of(queries), first: of(first), rPrecision: of(rPrecision), mapAtR: of(mapAtR), ndcg: of(ndcg) };
}
