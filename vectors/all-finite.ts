/** Whether every number is one: an encoder that gives NaN or infinity has nothing that can be searched for. */
export function allFinite(rows: Float32Array): boolean {
  for (const value of rows) if (!Number.isFinite(value)) return false;
  return true;
}
