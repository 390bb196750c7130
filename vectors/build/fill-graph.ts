import type { IndexSettings } from '../../contracts/vector-index.ts';
import { emptyGraph, type Graph, graphKeys, loadGraph } from '../graph/graph.ts';
import { keyGiver } from './graph-keys.ts';
import type { BuildProgress } from './progress.ts';
import type { IndexRows } from './rows.ts';

/** A graph that others were made from: its file, and the keys of the rows that stay, which come first. */
export interface GraphBefore {
  readonly file: string;
  /** The key of each row that the index had. */
  readonly keys: Int32Array;
  /** Those of the rows that stay, in their order. */
  readonly kept: Int32Array;
  /** Vectors in the file, removed ones among them. */
  readonly nodes: number;
}

export interface FilledGraph {
  readonly graph: Graph;
  /** int32 [rows]: the key of each. */
  readonly keys: Int32Array;
  readonly nodes: number;
}

/** Vectors that are given to the graph at once, between which progress is told. */
const blockRows = 256;

/** Puts the vectors of all rows into a graph, or into what is left of an earlier one those that it lacks. */
export async function fillGraph(
  rows: IndexRows,
  before: GraphBefore | null,
  shape: IndexSettings & { readonly dimension: number },
  { threads, onProgress }: { readonly threads: number; readonly onProgress: (progress: BuildProgress) => void },
): Promise<FilledGraph> {
  const { dimension } = shape;
  const graph = before ? loadGraph(before.file, shape, 64) : emptyGraph(shape, 64);
  if (before) removeUnused(graph, before);
  const kept = before?.kept ?? new Int32Array();
  const giver = keyGiver((before?.keys ?? kept).reduce((highest, key) => Math.max(highest, key), -1) + 1);
  const keys = new Int32Array(rows.count);
  const pending = { keys: [] as number[], vectors: new Float32Array(blockRows * dimension) };
  const flush = () => {
    if (pending.keys.length === 0) return;
    graph.add(graphKeys(pending.keys), pending.vectors.slice(0, pending.keys.length * dimension), threads);
    pending.keys.length = 0;
  };
  let row = 0;
  for await (const block of rows.vectors()) {
    for (let from = 0; from < block.length; from += dimension, row++) {
      const vector = block.subarray(from, from + dimension);
      const before = kept[row];
      if (before !== undefined) {
        keys[row] = before;
        giver.keep(vector, before);
        continue;
      }
      const { key, isNew } = giver.keyOf(vector);
      keys[row] = key;
      if (!isNew) continue;
      pending.vectors.set(vector, pending.keys.length * dimension);
      pending.keys.push(key);
      if (pending.keys.length < blockRows) continue;
      flush();
      onProgress({ phase: 'graph', done: row + 1, total: rows.count });
    }
  }
  flush();
  onProgress({ phase: 'graph', done: rows.count, total: rows.count });
  // USearch gives the places of removed vectors to new ones.
  return { graph, keys, nodes: Math.max(before?.nodes ?? 0, graph.size()) };
}

/** Removes the keys that no row has any more. */
function removeUnused(graph: Graph, { keys, kept }: GraphBefore): void {
  const used = new Set(kept);
  const unused = [...new Set(keys)].filter((key) => !used.has(key));
  if (unused.length > 0) graph.remove(graphKeys(unused));
}
