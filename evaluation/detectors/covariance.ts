/** A symmetric matrix [size, size], row-major. */
export interface SquareMatrix {
  readonly values: Float64Array;
  readonly size: number;
}

/**
 * The covariance of Ledoit and Wolf (2004): that of the sample, drawn towards a multiple of the identity by as much as
 * minimises the expected error, so that it can be inverted however few the samples are.
 *
 * @param sample the sample's own covariance, of centred rows, divided by their number
 * @param fourthMoment the mean over the rows of the fourth power of their length
 */
export function shrunkCovariance(
  { values, size }: SquareMatrix,
  fourthMoment: number,
  count: number,
): { readonly covariance: SquareMatrix; readonly shrinkage: number } {
  let [trace, squares] = [0, 0];
  for (let at = 0; at < size; at++) trace += values[at * size + at] as number;
  for (const value of values) squares += value * value;
  const scale = trace / size;
  const distance = squares - size * scale * scale;
  const error = Math.min(distance, (fourthMoment - squares) / count);
  const shrinkage = distance > 0 ? Math.max(0, error) / distance : 0;
  const covariance = values.map((value) => (1 - shrinkage) * value);
  for (let at = 0; at < size; at++)
    covariance[at * size + at] = (covariance[at * size + at] as number) + shrinkage * scale;
  return { covariance: { values: covariance, size }, shrinkage };
}

/** Of points on the unit sphere, less than rounding: where all points of each class are one. */
const leastVariance = 1e-12;

/**
 * The inverse of the Cholesky factor of a covariance S = L L^T: it takes rows to a space in which their covariance is the
 * identity. Directions in which there is next to nothing count as if they had a billionth of the mean variance.
 *
 * @returns the lower triangle of L^-1, zeros above
 */
export function whitening({ values, size }: SquareMatrix): SquareMatrix {
  let trace = 0;
  for (let at = 0; at < size; at++) trace += values[at * size + at] as number;
  const least = Math.max((1e-9 * trace) / size, leastVariance);
  const factor = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row; column++) {
      let sum = values[row * size + column] as number;
      for (let at = 0; at < column; at++)
        sum -= (factor[row * size + at] as number) * (factor[column * size + at] as number);
      factor[row * size + column] =
        row === column ? Math.sqrt(Math.max(sum, least)) : sum / (factor[column * size + column] as number);
    }
  const inverse = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const target = inverse.subarray(row * size, (row + 1) * size);
    const pivot = factor[row * size + row] as number;
    for (let above = 0; above < row; above++) {
      const share = (factor[row * size + above] as number) / pivot;
      for (let at = 0; at <= above; at++)
        target[at] = (target[at] as number) - share * (inverse[above * size + at] as number);
    }
    target[row] = 1 / pivot;
  }
  return { values: inverse, size };
}
