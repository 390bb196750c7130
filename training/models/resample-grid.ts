/** Height and width in cells. */
export type Grid = readonly [height: number, width: number];

/**
 * The matrix that resamples a grid: bicubic, with a filter against aliasing where the grid shrinks, as PyTorch's
 * `interpolate(mode='bicubic', antialias=True)`, which timm resizes position embeddings by.
 *
 * @returns row-major [to cells, from cells]
 */
export function resamplingMatrix(from: Grid, to: Grid): Float32Array {
  const [rows, columns] = [resampling(from[0], to[0]), resampling(from[1], to[1])];
  const cells = from[0] * from[1];
  const matrix = new Float32Array(to[0] * to[1] * cells);
  rows.forEach((ofRow, y) => {
    columns.forEach((ofColumn, x) => {
      const start = (y * to[1] + x) * cells;
      ofRow.forEach((weight, row) => {
        ofColumn.forEach((other, column) => {
          matrix[start + row * from[1] + column] = weight * other;
        });
      });
    });
  });
  return matrix;
}

/** The weights of the old cells in each new one, along a side. */
function resampling(from: number, to: number): Float64Array[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, cell) => {
    const centre = scale * (cell + 0.5);
    const weights = new Float64Array(from);
    const first = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(centre + 2 * stretch + 0.5), from);
    for (let at = first; at < end; at++) weights[at] = cubic((at - centre + 0.5) / stretch);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
}

/** Keys's cubic convolution with a = -1/2, which PyTorch takes where it filters against aliasing. */
function cubic(offset: number): number {
  const x = Math.abs(offset);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
