/** How a query orders the rows of a gallery: nearest by similarity, of equals the lower row first. */

/**
 * The places, from 1, that the relevant rows take among all rows but the query's own, ascending. Rows that are less similar than
 * every relevant one cost a comparison each, so a whole gallery is ranked without being sorted.
 *
 * @param similarities of the query to each row of the gallery
 * @param query its own row in the gallery, which is left out
 * @param relevant rows of the query's class, without its own, at least one
 */
export function ranksOf(similarities: ArrayLike<number>, query: number, relevant: ArrayLike<number>): Int32Array {
  const of = (row: number) => similarities[row] as number;
  const rows = Int32Array.from(relevant).sort((a, b) => of(b) - of(a) || a - b);
  const values = Float64Array.from(rows, of);
  const least = values.at(-1) as number;
  /** By relevant row: how many rows come before it, and not before the relevant row ahead of it. */
  const ahead = new Int32Array(rows.length);
  for (let row = 0; row < similarities.length; row++) {
    const value = of(row);
    if (value < least || row === query) continue;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = values[middle] as number;
      if (value > other || (value === other && row < (rows[middle] as number))) high = middle;
      else low = middle + 1;
    }
    if (low < rows.length) ahead[low] = (ahead[low] as number) + 1;
  }
  let before = 0;
  return ahead.map((count) => {
    before += count;
    return before + 1;
  });
}

/** What the places of the relevant rows, ascending, say about one query. */
export interface QueryMeasures {
  /** Of the R nearest, where R is how many relevant rows there are: the share that is relevant (arXiv:2003.08505). */
  readonly rPrecision: number;
  /** The mean over the first R places of the precision up to there, where the place is a hit, else of 0 (arXiv:2003.08505). */
  readonly mapAtR: number;
  /** Discounted cumulative gain over the whole gallery, with gain 1 for a relevant row, as a share of the best order's (Järvelin and Kekäläinen, 2002). */
  readonly ndcg: number;
}

export function queryMeasures(ranks: Int32Array): QueryMeasures {
  let [found, precision, gain, best] = [0, 0, 0, 0];
  ranks.forEach((rank, at) => {
    if (rank <= ranks.length) precision += ++found / rank;
    gain += 1 / Math.log2(rank + 1);
    best += 1 / Math.log2(at + 2);
  });
  return { rPrecision: found / ranks.length, mapAtR: precision / ranks.length, ndcg: gain / best };
}
