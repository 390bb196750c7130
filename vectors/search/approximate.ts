import { availableParallelism } from 'node:os';
import type { Quantization } from '../../contracts/vector-index.ts';
import type { Graph } from '../graph/graph.ts';
import { foundOf, matchesOf, queriesForThreads, type Searcher } from './searcher.ts';

/** Of vectors in bytes so many times what is asked for is looked at again, with the vectors as they were. */
const lookedAtAgain = 4;
/** And never fewer, so that the nearest of one is the first of ten. */
const leastLookedAtAgain = 10 * lookedAtAgain;

export interface GraphSearch {
  readonly graph: Graph;
  readonly dimension: number;
  readonly quantization: Quantization;
  /** The rows that have a key; several where their vectors are equal. */
  readonly rowsOf: (key: number) => readonly number[];
  /** The vector of a row, float32 [dimension] of unit length, as it was before it was put into bytes. */
  readonly vectorOf: (row: number) => Float32Array;
}

/**
 * A search along the graph. Vectors in single bytes are too coarse to be put in order by: what is found is measured again by the
 * vectors themselves.
 */
export function graphSearcher({ graph, dimension, quantization, rowsOf, vectorOf }: GraphSearch): Searcher {
  const again = quantization === 'i8';
  return (queries, k) => {
    const wanted = Math.min(again ? Math.max(k * lookedAtAgain, leastLookedAtAgain) : k, graph.size());
    const threads = queries.length / dimension < queriesForThreads ? 1 : availableParallelism();
    const matches = matchesOf(graph.search(queries, wanted, threads), wanted);
    return foundOf(
      matches.map((found, query) => {
        const hits = found.flatMap(({ key, distance }) => rowsOf(key).map((row) => ({ row, score: 1 - distance })));
        if (!again) return hits;
        const of = queries.subarray(query * dimension, (query + 1) * dimension);
        return hits
          .map(({ row }) => ({ row, score: product(of, vectorOf(row)) }))
          .sort((a, b) => b.score - a.score || a.row - b.row);
      }),
      k,
    );
  };
}

export function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
