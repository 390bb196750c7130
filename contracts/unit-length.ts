/** Rows with squares of a smaller sum are too short to have a direction: they are scaled by what brings this one to length 1. */
export const leastSquare = 1e-12;

/**
 * Rows scaled to length 1, so that a product of two is their cosine similarity; a row of zeros stays one, and is like nothing.
 *
 * @param rows float32 [n, dimension], row-major
 */
export function unitLength(rows: Float32Array, dimension: number): Float32Array<ArrayBuffer> {
  const unit = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += dimension) {
    let squared = 0;
    for (let at = start; at < start + dimension; at++) squared += (rows[at] as number) ** 2;
    const scale = 1 / Math.sqrt(Math.max(squared, leastSquare));
    for (let at = start; at < start + dimension; at++) unit[at] = (rows[at] as number) * scale;
  }
  return unit;
}
