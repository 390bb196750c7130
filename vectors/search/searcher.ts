import { BatchMatches, type Matches } from 'usearch';

/** What a search finds: for each query `k` places, of which the first `counts` are taken, the nearest first. */
export interface Found {
  /** int32 [queries, k]: rows of the index. */
  readonly rows: Int32Array<ArrayBuffer>;
  /** float32 [queries, k]: cosine similarities. */
  readonly scores: Float32Array<ArrayBuffer>;
  /** int32 [queries]. */
  readonly counts: Int32Array<ArrayBuffer>;
}

/**
 * Finds the rows that are nearest to queries of unit length, float32 [n, dimension]. It computes where it is called, for
 * milliseconds to minutes, so it is called in a thread or process for that.
 */
export type Searcher = (queries: Float32Array, k: number) => Found;

/** With fewer queries, a second thread takes longer to begin than it saves. */
export const queriesForThreads = 16;

/** A key that USearch found, and how far it is: 1 less the product. */
export interface Match {
  readonly key: number;
  readonly distance: number;
}

/** What USearch answers, query by query, the nearest first. */
export function matchesOf(answer: Matches | BatchMatches, k: number): Match[][] {
  // For a single query it answers in another form.
  const counts = answer instanceof BatchMatches ? answer.counts : BigUint64Array.of(BigInt(answer.keys.length));
  return Array.from(counts, (found, query) =>
    Array.from({ length: Number(found) }, (_, at) => ({
      key: Number(answer.keys[query * k + at]),
      distance: answer.distances[query * k + at] as number,
    })),
  );
}

/** Rows with their scores, query by query, as they travel. @param k of each query at most so many are taken */
export function foundOf(
  hits: readonly (readonly { readonly row: number; readonly score: number }[])[],
  k: number,
): Found {
  const found = {
    rows: new Int32Array(hits.length * k),
    scores: new Float32Array(hits.length * k),
    counts: new Int32Array(hits.length),
  };
  for (const [query, taken] of hits.entries()) {
    found.counts[query] = Math.min(k, taken.length);
    for (const [at, { row, score }] of taken.slice(0, k).entries()) {
      found.rows[query * k + at] = row;
      // Rounding takes a vector's similarity with itself a little past 1.
      found.scores[query * k + at] = Math.max(-1, Math.min(1, score));
    }
  }
  return found;
}
