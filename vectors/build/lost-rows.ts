import { availableParallelism } from 'node:os';
import type { Graph } from '../graph/graph.ts';
import { matchesOf } from '../search/searcher.ts';
import type { BuildProgress } from './progress.ts';
import type { IndexRows } from './rows.ts';

/** Searched at once: progress is told between. */
const blockRows = 1024;

/**
 * Rows that a search for their own vector does not find. A graph that was built by several threads at once can hold vectors to which
 * no edge leads (USearch's issue 735), and so can one from which vectors were removed.
 *
 * @param keys int32 [rows]: the key of each
 * @param among the nearest so many are looked at: vectors that differ by less than what a graph keeps of them come in any order
 */
export async function lostRows(
  graph: Graph,
  rows: IndexRows,
  keys: Int32Array,
  dimension: number,
  among: number,
  onProgress: (progress: BuildProgress) => void,
): Promise<readonly number[]> {
  const lost: number[] = [];
  let first = 0;
  for await (const block of rows.vectors())
    for (let from = 0; from < block.length; from += blockRows * dimension) {
      const queries = block.slice(from, from + blockRows * dimension);
      const k = Math.min(among, graph.size());
      const matches = matchesOf(graph.search(queries, k, availableParallelism()), k);
      for (const [at, found] of matches.entries())
        if (!found.some(({ key }) => key === keys[first + at])) lost.push(first + at);
      first += matches.length;
      onProgress({ phase: 'check', done: first, total: rows.count });
    }
  return lost;
}
