import { availableParallelism } from 'node:os';
import { exactSearch, MetricKind } from 'usearch';
import { foundOf, type Match, matchesOf, queriesForThreads, type Searcher } from './searcher.ts';

/**
 * A search by the products of a query with every row. Measured with 100,000 rows of 512 numbers: 10 ms a query, where the same
 * products in JavaScript take 58.
 *
 * @param rows float32 [count, dimension] of unit length
 */
export function exactSearcher(rows: Float32Array, dimension: number): Searcher {
  const all = ownBuffer(rows);
  return (queries, k) => {
    const wanted = Math.min(k, all.length / dimension);
    const matches = exactMatches(all, queries, dimension, wanted);
    return foundOf(
      matches.map((each) => each.map(({ key, distance }) => ({ row: key, score: 1 - distance }))),
      wanted,
    );
  };
}

/** The k rows of which each query has the largest product. @param k at most the number of rows */
export function exactMatches(rows: Float32Array, queries: Float32Array, dimension: number, k: number): Match[][] {
  const threads = queries.length / dimension < queriesForThreads ? 1 : availableParallelism();
  return matchesOf(exactSearch(ownBuffer(rows), ownBuffer(queries), dimension, k, MetricKind.IP, threads), k);
}

/** USearch takes an array's whole buffer, whatever the array is a view of. */
const ownBuffer = (array: Float32Array) =>
  array.byteOffset === 0 && array.buffer.byteLength === array.byteLength ? array : array.slice();
