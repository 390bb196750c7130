import { join } from 'node:path';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { IndexSettings } from '../../contracts/vector-index.ts';
import { makeGraphFolder, removeGraphFolder } from '../graph/folder.ts';
import { type Graph, graphKeys, viewGraph } from '../graph/graph.ts';
import { rowsByKey } from '../graph/keys.ts';
import { graphSearcher } from '../search/approximate.ts';
import type { Searcher } from '../search/searcher.ts';
import { type FilledGraph, fillGraph, type GraphBefore } from './fill-graph.ts';
import { lostRows } from './lost-rows.ts';
import type { BuildProgress } from './progress.ts';
import { type RecallQueries, recallOf, recallQueries, tie } from './recall.ts';
import type { IndexRows } from './rows.ts';
import { someRows } from './some-rows.ts';

/** A graph whose rows are all found, in a file of a temporary folder. */
export interface MadeGraph {
  readonly file: string;
  readonly keys: Int32Array;
  readonly nodes: number;
  readonly expansionSearch: number;
  /** Rows that are found by their own vector, but only by a search wider than that. */
  readonly hard: number;
  readonly recall: { readonly k: number; readonly value: number; readonly queries: number };
}

type Shape = IndexSettings & { readonly dimension: number };

/** What a search looks at: the least, and the most that helps. */
const [leastExpansion, mostExpansion] = [64, 4096];
/**
 * All rows are looked for by a search as narrow as this; those that it misses by one so many times as wide, and so on up to the one that is
 * recorded. A wider search looks at all that a narrower one looks at. Of a million rows the first misses more than half.
 */
const [checkExpansion, widened] = [8, 4];
/** Rows whose vectors are in memory at once. */
const rowsAtOnce = 4096;
/** Hits among which a vector in bytes must be. */
const among = 10;
/** Vectors that are not found are put in again, so many times, unless they are more than this share, or hardly fewer than the last time. */
const [mostRepairs, mostRepaired, fewer] = [6, 0.05, 0.5];
/** Where all rows are not found by a search so many times as wide as the recall needs, a few may be left to wider ones. */
const widest = 4;
/** So many: this share of what may be missed of the neighbours. */
const mostHard = 0.1;
/** More removed vectors than this share of a graph make it be built anew. */
const mostRemoved = 0.2;

/**
 * Makes the graph of an index: builds it, or changes an earlier one; widens its search until it finds the wanted share of the true
 * neighbours; and looks for every row by its own vector. Rows that are not found are put in again; a changed graph, or one that several
 * threads built, is built anew by one thread where that does not help. Each row is found by some search: of many rows, a few only by a
 * wider one than others are asked to make.
 *
 * @param options.folder where the file is written; a temporary folder that is removed afterwards where undefined
 * @param use is given the graph
 * @throws ContrailError InvalidInput where the recall cannot be reached, or rows are not found
 */
export async function withGraph<T>(
  rows: IndexRows,
  before: GraphBefore | null,
  shape: Shape,
  options: {
    readonly threads: number;
    readonly onProgress: (progress: BuildProgress) => void;
    readonly folder: string | undefined;
  },
  use: (made: MadeGraph) => Promise<T>,
): Promise<T> {
  const folder = options.folder ?? (await makeGraphFolder());
  try {
    const { dimension, seed } = shape;
    const queries = await recallQueries(rows, dimension, seed, options.onProgress);
    let problem = '';
    for (const { from, threads } of attemptsFor(rows, before, options.threads)) {
      const filled = await fillGraph(rows, from, shape, { ...options, threads });
      const file = join(folder, 'graph.usearch');
      let repairable = Math.max(1, mostRepaired * rows.count);
      for (let repairs = 0; repairs <= mostRepairs; repairs++) {
        filled.graph.save(file);
        const checking = { repairable, isLast: repairs === mostRepairs, onProgress: options.onProgress };
        const found = await checked({ ...filled, file }, rows, shape, queries, checking);
        if ('lost' in found) {
          await addAgain(filled, rows, found.lost, dimension);
          repairable = Math.max(1, fewer * found.lost.length);
          continue;
        }
        if ('problem' in found) {
          problem = found.problem;
          break;
        }
        const { expansionSearch, hard } = found;
        const recall = { k: queries.k, value: found.recall, queries: queries.rows.length };
        return await use({ ...filled, file, expansionSearch, hard, recall });
      }
    }
    throw new ContrailError('InvalidInput', problem);
  } finally {
    if (options.folder === undefined) await removeGraphFolder(folder);
  }
}

function attemptsFor(
  rows: IndexRows,
  before: GraphBefore | null,
  threads: number,
): { readonly from: GraphBefore | null; readonly threads: number }[] {
  const removed = before ? 1 - new Set(before.kept).size / before.nodes : 0;
  const added = before ? rows.count - before.kept.length : 0;
  // New vectors take the places of removed ones.
  const left = before ? removed - added / before.nodes : 0;
  return [
    ...(before && left <= mostRemoved ? [{ from: before, threads }] : []),
    ...(threads > 1 ? [{ from: null, threads }] : []),
    { from: null, threads: 1 },
  ];
}

type Checked =
  | { readonly expansionSearch: number; readonly hard: number; readonly recall: number }
  /** Rows that may be found once they are put in again. */
  | { readonly lost: Int32Array }
  | { readonly problem: string };

/** Puts rows into the graph once more, one after the other: threads that add at once can leave a vector without an edge that leads to it. */
async function addAgain(
  { graph, keys }: FilledGraph,
  rows: IndexRows,
  lost: Int32Array,
  dimension: number,
): Promise<void> {
  // Equal vectors have one key, and are in the graph once.
  const firsts = new Map([...lost].toReversed().map((row) => [keys[row] as number, row]));
  const wanted = Int32Array.from(firsts.values()).sort();
  for await (const some of someRows(rows, wanted, dimension, rowsAtOnce)) {
    const again = graphKeys([...some.rows].map((row) => keys[row] as number));
    graph.remove(again);
    graph.add(again, some.vectors, 1);
  }
}

async function checked(
  { file, keys }: FilledGraph & { readonly file: string },
  rows: IndexRows,
  shape: Shape,
  queries: RecallQueries,
  {
    repairable,
    isLast,
    onProgress,
  }: {
    /** So many rows that are not found are put in again, rather than that every search is widened for them. */
    readonly repairable: number;
    readonly isLast: boolean;
    readonly onProgress: (progress: BuildProgress) => void;
  },
): Promise<Checked> {
  const { dimension, quantization, minimumRecall } = shape;
  const view = (expansion: number) => viewGraph(file, shape, expansion);
  const rowsOf = rowsByKey(keys);
  const vectorOf = quantization === 'i8' ? await allVectors(rows, dimension) : () => new Float32Array();
  const searcher = (graph: Graph) => graphSearcher({ graph, dimension, quantization, rowsOf, vectorOf });
  const recallAtWidth = (width: number) => recallOf(searcher(view(width)), rows, queries, dimension);
  let expansion = leastExpansion;
  let recall = await recallAtWidth(expansion);
  while (recall < minimumRecall) {
    if (expansion >= mostExpansion)
      return {
        problem: `The approximate index finds ${recall.toFixed(3)} of the ${queries.k} nearest, and minimumRecall is ${minimumRecall}. Build it with a higher connectivity or expansionAdd, a finer quantization, or with method: exact.`,
      };
    expansion *= 2;
    recall = await recallAtWidth(expansion);
  }
  let done = 0;
  const onFound = (count: number) => {
    done += count;
    onProgress({ phase: 'check', done, total: rows.count });
  };
  const of = { keys, dimension };
  let lost = await lostRows(view(checkExpansion), rows, of, checkExpansion, null, onFound);
  for (let width = checkExpansion * widened; width < expansion && lost.length > 0; width *= widened)
    lost = await lostRows(view(width), rows, of, width, lost, onFound);
  const end = Math.min(mostExpansion, widest * expansion);
  const fewHard = Math.floor(mostHard * (1 - minimumRecall) * rows.count);
  /** How many each search misses, from the one that the recall needs. */
  const missed = new Map<number, number>();
  for (let width = expansion; ; width *= 2) {
    const graph = view(width);
    const asUsers = { graph, expansion: width, search: searcher(graph) };
    if (lost.length > 0) lost = await stillLost(asUsers, rows, shape, keys, lost);
    missed.set(width, lost.length);
    if (lost.length === 0) break;
    const isWidest = 2 * width > mostExpansion;
    // Few are put in again rather than that every search is widened for them; many, once no search finds them.
    const mayRepair = isWidest || (width <= end && lost.length <= fewRepaired(rows.count));
    if (mayRepair && !isLast && lost.length <= repairable) return { lost };
    if (isWidest) break;
  }
  const widths = [...missed].filter(([width]) => width <= end);
  const chosen =
    lost.length > 0
      ? undefined
      : (widths.find(([, count]) => count === 0) ?? widths.find(([, count]) => count <= fewHard));
  if (!chosen) {
    const finer = quantization === 'i8' ? ', a finer quantization,' : ',';
    const count = lost.length || missed.get(end);
    return {
      problem: `${times(count ?? 0, 'vector')} of ${rows.count} cannot be found in the approximate index. Build it with a higher connectivity or expansionAdd${finer} or with method: exact.`,
    };
  }
  const [expansionSearch, hard] = chosen;
  if (expansionSearch > expansion) recall = await recallAtWidth(expansionSearch);
  return { expansionSearch, hard, recall };
}

/** Rows that are put in again at once, however wide a search would find them. */
const fewRepaired = (count: number) => Math.max(100, 0.001 * count);

/** Of rows that a narrower search missed, those that the search of a user would miss as well. */
async function stillLost(
  { graph, expansion, search }: { readonly graph: Graph; readonly expansion: number; readonly search: Searcher },
  rows: IndexRows,
  { dimension, quantization }: Shape,
  keys: Int32Array,
  lost: Int32Array,
): Promise<Int32Array> {
  // USearch widens a search to what is asked of it: more would be looked for by a wider search than is recorded.
  const unreached = await lostRows(graph, rows, { keys, dimension }, expansion, lost);
  if (quantization !== 'i8') return unreached;
  const still = new Set(unreached);
  for await (const some of someRows(rows, lost, dimension, rowsAtOnce))
    for (const at of notAmongHits(search, some.vectors, some.rows)) still.add(some.rows[at] ?? 0);
  return Int32Array.from(still).sort();
}

/** Places of rows that are not among the hits of their own vector, unless all of these are as near but for rounding. */
function notAmongHits(search: Searcher, vectors: Float32Array, own: Int32Array): number[] {
  const { rows, scores, counts } = search(vectors, among);
  return [...own].flatMap((row, at) => {
    const end = at * among + (counts[at] ?? 0);
    const isFound = rows.subarray(at * among, end).includes(row) || (scores[end - 1] ?? 0) >= 1 - tie;
    return isFound ? [] : [at];
  });
}

async function allVectors(rows: IndexRows, dimension: number): Promise<(row: number) => Float32Array> {
  const blocks: Float32Array[] = [];
  for await (const block of rows.vectors()) blocks.push(block);
  const starts = blocks.map(
    ((first) => (block: Float32Array) => {
      const start = first;
      first += block.length / dimension;
      return start;
    })(0),
  );
  return (row) => {
    const of = starts.findLastIndex((start) => start <= row);
    const from = (row - (starts[of] ?? 0)) * dimension;
    return (blocks[of] ?? new Float32Array()).subarray(from, from + dimension);
  };
}
