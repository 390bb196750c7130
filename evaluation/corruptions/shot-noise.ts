import { type Corruption, constantOf, toByte } from './image.ts';

/** Photons that a white pixel counts, as in CIFAR-10-C. */
const photons = [500, 250, 100, 75, 50] as const;

/** Replaces each value by a Poisson draw around it: too few photons. */
export const shotNoise: Corruption = (severity) => {
  const white = constantOf(photons, severity);
  const tables = Array.from({ length: 256 }, (_, value) => cumulative((white * value) / 255));
  return (image, _, draw) =>
    image.map((value, at) => toByte((255 * quantile(tables[value] as Float64Array, draw(at))) / white));
};

/** Chances of at most 0, 1, 2, … of a Poisson distribution, to where nothing that matters is left. */
function cumulative(mean: number): Float64Array {
  const most = Math.ceil(mean + 10 * Math.sqrt(mean) + 10);
  const table = new Float64Array(most + 1);
  let [logFactorial, sum] = [0, 0];
  for (let count = 0; count <= most; count++) {
    if (count > 0) logFactorial += Math.log(count);
    sum += mean === 0 ? Number(count === 0) : Math.exp(count * Math.log(mean) - mean - logFactorial);
    table[count] = sum;
  }
  return table;
}

/** The smallest count whose chance of at most it is above `uniform`, by bisection. */
function quantile(table: Float64Array, uniform: number): number {
  let [low, high] = [0, table.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((table[middle] as number) > uniform) high = middle;
    else low = middle + 1;
  }
  return low;
}
