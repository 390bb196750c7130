import { permutation } from '../../datasets/random.ts';
import { product } from '../search/approximate.ts';
import { exactMatches } from '../search/exact.ts';
import type { Searcher } from '../search/searcher.ts';
import type { BuildProgress } from './progress.ts';
import type { IndexRows } from './rows.ts';
import { someRows } from './some-rows.ts';

/** Neighbours that recall is measured by, and queries that are drawn: a share of 0.95 then has a standard error of about 0.003. */
export const recallAt = 10;
const mostQueries = 500;

/** Rows as near as the last of the true neighbours, but for rounding, are as good. */
export const tie = 1e-5;

/** Queries that are rows of the index, and how near the last of their true neighbours is, themselves left out. */
export interface RecallQueries {
  readonly rows: Int32Array;
  /** float32 [queries, dimension] of unit length. */
  readonly vectors: Float32Array;
  readonly k: number;
  /** Of each query, the score of its k-th true neighbour. */
  readonly least: Float32Array;
}

/** Draws queries from the rows and finds their true neighbours by all products, in one pass over the rows. */
export async function recallQueries(
  rows: IndexRows,
  dimension: number,
  seed: number,
  onProgress: (progress: BuildProgress) => void,
): Promise<RecallQueries> {
  const drawn = permutation(rows.count, seed, 'index recall').slice(0, mostQueries).sort();
  const vectors = await vectorsOf(rows, drawn, dimension);
  const k = Math.min(recallAt, rows.count - 1);
  const nearest: number[][] = Array.from(drawn, () => []);
  let first = 0;
  for await (const block of rows.vectors()) {
    const count = block.length / dimension;
    for (const [query, matches] of exactMatches(block, vectors, dimension, Math.min(k + 1, count)).entries()) {
      const others = matches.filter(({ key }) => first + key !== drawn[query]).map(({ distance }) => 1 - distance);
      nearest[query] = [...(nearest[query] ?? []), ...others].sort((a, b) => b - a).slice(0, k);
    }
    first += count;
    onProgress({ phase: 'recall', done: first, total: rows.count });
  }
  return { rows: drawn, vectors, k, least: Float32Array.from(nearest, (scores) => scores[k - 1] ?? -1) };
}

/** Share of the true neighbours that a search finds. */
export async function recallOf(
  search: Searcher,
  rows: IndexRows,
  { rows: drawn, vectors, k, least }: RecallQueries,
  dimension: number,
): Promise<number> {
  if (k === 0) return 1;
  const { rows: found, counts } = search(vectors, k + 1);
  const places = k + 1;
  const hits = Array.from(drawn, (own, query) =>
    [...found.subarray(query * places, query * places + (counts[query] ?? 0))].filter((row) => row !== own).slice(0, k),
  );
  // Scores of a graph are rounded; whether a row is a true neighbour is said by the vectors.
  const wanted = Int32Array.from(new Set(hits.flat())).sort();
  const foundVectors = await vectorsOf(rows, wanted, dimension);
  const placeOf = new Map(Array.from(wanted, (row, at) => [row, at]));
  const at = (all: Float32Array, place: number) => all.subarray(place * dimension, (place + 1) * dimension);
  let right = 0;
  for (const [query, of] of hits.entries())
    for (const row of of)
      if (product(at(vectors, query), at(foundVectors, placeOf.get(row) ?? 0)) >= (least[query] ?? -1) - tie) right++;
  return right / (drawn.length * k);
}

/** Vectors of single rows, float32 [places, dimension]. @param places ascending */
async function vectorsOf(rows: IndexRows, places: Int32Array, dimension: number): Promise<Float32Array> {
  const taken = new Float32Array(places.length * dimension);
  let at = 0;
  for await (const { vectors } of someRows(rows, places, dimension, places.length)) {
    taken.set(vectors, at);
    at += vectors.length;
  }
  return taken;
}
