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

/** What USearch answers, as rows and cosine similarities. @param rowOf the row of a key; null for a key that has none */
export function foundOf(
  answer: Matches | BatchMatches,
  k: number,
  rowOf: (key: number) => number | null = (key) => key,
): Found {
  // For a single query USearch answers in another form.
  const given = answer instanceof BatchMatches ? answer.counts : BigUint64Array.of(BigInt(answer.keys.length));
  const queries = given.length;
  const found = {
    rows: new Int32Array(queries * k),
    scores: new Float32Array(queries * k),
    counts: new Int32Array(queries),
  };
  for (let query = 0; query < queries; query++) {
    let taken = query * k;
    for (let at = query * k; at < query * k + Number(given[query]); at++) {
      const row = rowOf(Number(answer.keys[at]));
      if (row === null) continue;
      found.rows[taken] = row;
      // Rounding takes a vector's similarity with itself a little past 1.
      found.scores[taken] = Math.max(-1, Math.min(1, 1 - (answer.distances[at] as number)));
      taken++;
    }
    found.counts[query] = taken - query * k;
  }
  return found;
}
