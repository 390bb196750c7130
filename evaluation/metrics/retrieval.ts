import type { Similarities } from './geometry.ts';

/**
 * Retrieval among the rows themselves, with each row as a query that is left out of its own answers: means over the queries,
 * null where there are none.
 */
export interface Retrieval {
  /** Rows whose class has another row. */
  readonly queries: number;
  /** Share of queries with one of their own class among the k nearest. */
  readonly recallAt: readonly { readonly k: number; readonly value: number | null }[];
  /** Of the R nearest, where R is how many others the class has: the share that is of the class (arXiv:2003.08505). */
  readonly rPrecision: number | null;
  /** The mean over the first R places of the precision up to there, where the place is a hit, else of 0 (arXiv:2003.08505). */
  readonly mapAtR: number | null;
}

/** Nearest by cosine, of equals the lower row first. Queries whose class has no other row do not count. */
export function retrieval({ values, count }: Similarities, labels: Int32Array, ks: readonly number[]): Retrieval {
  const members = new Map<number, number>();
  for (const label of labels) members.set(label, (members.get(label) ?? 0) + 1);
  const most = Math.max(...ks);
  const hits = ks.map(() => 0);
  let [queries, precisions, averagePrecisions] = [0, 0, 0];
  for (let query = 0; query < count; query++) {
    const relevant = (members.get(labels[query] as number) ?? 1) - 1;
    if (relevant === 0) continue;
    queries++;
    const order = nearest(values.subarray(query * count, (query + 1) * count), query, Math.max(relevant, most));
    let [found, precision, first] = [0, 0, Number.POSITIVE_INFINITY];
    for (let rank = 0; rank < order.length; rank++) {
      if (labels[order[rank] as number] !== labels[query]) continue;
      first = Math.min(first, rank);
      if (rank < relevant) precision += ++found / (rank + 1);
    }
    ks.forEach((k, which) => {
      if (first < k) hits[which] = (hits[which] as number) + 1;
    });
    precisions += found / relevant;
    averagePrecisions += precision / relevant;
  }
  const mean = (sum: number) => (queries === 0 ? null : sum / queries);
  return {
    queries,
    recallAt: ks.map((k, which) => ({ k, value: mean(hits[which] as number) })),
    rPrecision: mean(precisions),
    mapAtR: mean(averagePrecisions),
  };
}

/** The `wanted` rows that are most similar to the query, without itself, in order; and those that are as similar as the last. */
function nearest(similarities: Float32Array | Float64Array, query: number, wanted: number): number[] {
  // Sorting numbers is much faster than sorting rows by a comparison, so only rows that can matter are.
  const sorted = Float64Array.from(similarities);
  sorted[query] = Number.NEGATIVE_INFINITY;
  sorted.sort();
  const least = sorted[Math.max(1, sorted.length - wanted)] as number;
  const rows: number[] = [];
  for (let row = 0; row < similarities.length; row++)
    if (row !== query && (similarities[row] as number) >= least) rows.push(row);
  return rows.sort((x, y) => (similarities[y] as number) - (similarities[x] as number) || x - y);
}
