/**
 * Rows scaled to length 1, so that a product of two is their cosine similarity; a row of zeros stays as it is, and is like nothing.
 *
 * @param rows float32 [n, dimension], row-major
 */
export function unitLength(rows: Float32Array, dimension: number): Float32Array<ArrayBuffer> {
  const scaled = new Float32Array(rows.length);
  for (let from = 0; from < rows.length; from += dimension) {
    let square = 0;
    for (let at = from; at < from + dimension; at++) square += (rows[at] as number) ** 2;
    const length = Math.sqrt(square) || 1;
    for (let at = from; at < from + dimension; at++) scaled[at] = (rows[at] as number) / length;
  }
  return scaled;
}

/** Whether every number is one: an encoder that gives NaN or infinity has nothing that can be searched for. */
export function allFinite(rows: Float32Array): boolean {
  for (const value of rows) if (!Number.isFinite(value)) return false;
  return true;
}
