import { availableParallelism } from 'node:os';
import type { Graph } from '../graph/graph.ts';
import { matchesOf } from '../search/searcher.ts';
import type { IndexRows } from './rows.ts';
import { someRows } from './some-rows.ts';

/** Searched at once: progress is told between. */
const blockRows = 1024;

/**
 * Rows that a search for their own vector does not find. A graph that was built by several threads at once can hold vectors to which
 * no edge leads (USearch's issue 735), and so can one from which vectors were removed.
 *
 * @param keys int32 [rows]: the key of each
 * @param among the nearest so many are looked at: vectors that differ by less than what a graph keeps of them come in any order
 * @param wanted rows that are looked for, ascending; all where null
 * @param onFound is told how many more were found
 * @returns int32, ascending
 */
export async function lostRows(
  graph: Graph,
  rows: IndexRows,
  { keys, dimension }: { readonly keys: Int32Array; readonly dimension: number },
  among: number,
  wanted: Int32Array | null = null,
  onFound: (count: number) => void = () => {},
): Promise<Int32Array> {
  const lost: number[] = [];
  const k = Math.min(among, graph.size());
  for await (const some of someRows(rows, wanted, dimension, blockRows)) {
    const before = lost.length;
    const matches = matchesOf(graph.search(some.vectors, k, availableParallelism()), k);
    for (const [at, found] of matches.entries()) {
      const row = some.rows[at] ?? 0;
      if (!found.some(({ key }) => key === keys[row])) lost.push(row);
    }
    onFound(some.rows.length - (lost.length - before));
  }
  return Int32Array.from(lost);
}
