import type { Similarities } from '../../evaluation/metrics/geometry.ts';

/** Cosine similarities of all pairs of rows, in float64 and one by one. */
export function similaritiesOf(rows: readonly (readonly number[])[]): Similarities {
  const units = rows.map((row) => {
    const length = Math.hypot(...row) || 1;
    return row.map((value) => value / length);
  });
  const values = units.flatMap((a) => units.map((b) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)));
  return { values: Float64Array.from(values), count: rows.length };
}
