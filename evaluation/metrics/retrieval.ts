import { rowsByClass } from '../../datasets/index.ts';
import type { Similarities } from './geometry.ts';
import { queryMeasures, ranksOf } from './ranking.ts';

/**
 * Retrieval among the rows themselves, with each row as a query that is left out of its own answers: means over the queries,
 * null where there are none.
 */
export interface Retrieval {
  /** Rows whose class has another row. */
  readonly queries: number;
  /** Share of queries with one of their own class among the k nearest. */
  readonly recallAt: readonly { readonly k: number; readonly value: number | null }[];
  readonly rPrecision: number | null;
  readonly mapAtR: number | null;
}

/** Nearest by cosine, of equals the lower row first. Queries whose class has no other row do not count. */
export function retrieval({ values, count }: Similarities, labels: Int32Array, ks: readonly number[]): Retrieval {
  const hits = ks.map(() => 0);
  let [queries, precisions, averagePrecisions] = [0, 0, 0];
  for (const rows of rowsByClass(labels).values())
    for (const query of rows.length > 1 ? rows : []) {
      const similarities = values.subarray(query * count, (query + 1) * count);
      const relevant = rows.filter((row) => row !== query);
      const ranks = ranksOf(similarities, query, relevant);
      const { rPrecision, mapAtR } = queryMeasures(ranks);
      ks.forEach((k, which) => {
        if ((ranks[0] as number) <= k) hits[which] = (hits[which] as number) + 1;
      });
      queries++;
      precisions += rPrecision;
      averagePrecisions += mapAtR;
    }
  const mean = (sum: number) => (queries === 0 ? null : sum / queries);
  return {
    queries,
    recallAt: ks.map((k, which) => ({ k, value: mean(hits[which] as number) })),
    rPrecision: mean(precisions),
    mapAtR: mean(averagePrecisions),
  };
}
