import type { Similarities } from './geometry.ts';

/** Retrieval among the rows themselves, with each row as a query that is left out of its own answers. */
export interface Retrieval {
  /** Share of queries with one of their own class among the k nearest. */
  readonly recallAt: readonly { readonly k: number; readonly value: number }[];
  /** Of the R nearest, where R is how many others the class has: the share that is of the class (arXiv:2003.08505). */
  readonly rPrecision: number;
  /** The mean over the first R places of the precision up to there, where the place is a hit, else of 0 (arXiv:2003.08505). */
  readonly mapAtR: number;
}

/** Nearest by cosine, of equals the lower row first. Queries whose class has no other row do not count. */
export function retrieval({ values, count }: Similarities, labels: Int32Array, ks: readonly number[]): Retrieval {
  const members = new Map<number, number>();
  for (const label of labels) members.set(label, (members.get(label) ?? 0) + 1);
  const most = Math.max(...ks);
  const hits = ks.map(() => 0);
  const order = new Uint32Array(Math.max(0, count - 1));
  let [queries, precisions, averagePrecisions] = [0, 0, 0];
  for (let query = 0; query < count; query++) {
    const relevant = (members.get(labels[query] as number) ?? 1) - 1;
    if (relevant === 0) continue;
    queries++;
    for (let at = 0; at < order.length; at++) order[at] = at < query ? at : at + 1;
    const row = values.subarray(query * count, (query + 1) * count);
    order.sort((x, y) => (row[y] as number) - (row[x] as number) || x - y);
    let [found, precision, first] = [0, 0, Number.POSITIVE_INFINITY];
    for (let rank = 0; rank < Math.min(order.length, Math.max(relevant, most)); rank++) {
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
  const mean = (sum: number) => sum / Math.max(1, queries);
  return {
    recallAt: ks.map((k, which) => ({ k, value: mean(hits[which] as number) })),
    rPrecision: mean(precisions),
    mapAtR: mean(averagePrecisions),
  };
}
