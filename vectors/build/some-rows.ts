import type { IndexRows } from './rows.ts';

/** Some rows of a block, and their vectors. */
export interface SomeRows {
  readonly rows: Int32Array;
  /** float32 [rows, dimension] */
  readonly vectors: Float32Array;
}

/**
 * Reads some rows in one pass, few at a time: an index may miss more of its rows than memory holds vectors.
 *
 * @param wanted ascending; all rows where null
 * @param most that are given at once
 */
export async function* someRows(
  rows: IndexRows,
  wanted: Int32Array | null,
  dimension: number,
  most: number,
): AsyncGenerator<SomeRows> {
  let [first, next] = [0, 0];
  for await (const block of rows.vectors()) {
    const count = block.length / dimension;
    const of = wanted
      ? placesIn(wanted, next, first, first + count)
      : Int32Array.from({ length: count }, (_, at) => at);
    if (wanted) next += of.length;
    for (let from = 0; from < of.length; from += most) {
      const places = of.subarray(from, from + most);
      const vectors = new Float32Array(places.length * dimension);
      for (const [at, place] of places.entries())
        vectors.set(block.subarray(place * dimension, (place + 1) * dimension), at * dimension);
      yield { rows: places.map((place) => first + place), vectors };
    }
    first += count;
    if (wanted && next === wanted.length) return;
  }
}

/** Of the wanted rows from a place on those in a block, counted from its first. */
function placesIn(wanted: Int32Array, next: number, first: number, end: number): Int32Array {
  let last = next;
  while ((wanted[last] ?? end) < end) last++;
  return wanted.subarray(next, last).map((row) => row - first);
}
