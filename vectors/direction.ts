import { leastSquare } from '../contracts/unit-length.ts';

/** Whether every number is one: an encoder that gives NaN or infinity has nothing that can be searched for. */
export function allFinite(rows: Float32Array): boolean {
  for (const value of rows) if (!Number.isFinite(value)) return false;
  return true;
}

/**
 * Rows that have no direction, so that no cosine with them is defined: all their numbers are 0, or nearly so.
 *
 * @param rows float32 [n, dimension], row-major, finite
 */
export function rowsWithoutDirection(rows: Float32Array, dimension: number): readonly number[] {
  const without: number[] = [];
  for (let start = 0; start < rows.length; start += dimension)
    if (!hasDirection(rows.subarray(start, start + dimension))) without.push(start / dimension);
  return without;
}

/** @param row float32 [dimension], finite */
function hasDirection(row: Float32Array): boolean {
  let squared = 0;
  for (let at = 0; at < row.length; at++) {
    squared += (row[at] as number) ** 2;
    if (squared >= leastSquare) return true;
  }
  return false;
}

/**
 * Why nothing can be compared with an embedding, to be said after the name of its image; null where it can.
 *
 * @param embedding float32 [dimension]
 */
export function embeddingProblem(embedding: Float32Array): string | null {
  if (!allFinite(embedding)) return 'has an embedding with a number that is infinite or not a number';
  if (!hasDirection(embedding)) return 'has an embedding of zeros, which is like nothing';
  return null;
}
