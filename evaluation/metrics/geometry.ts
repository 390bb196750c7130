/**
 * How an embedding lies in space, measured on its L2-normalised rows. Everything here compares all pairs, by their cosine
 * similarities, which are computed once: for samples of a few thousand rows.
 */

/** Cosine similarities of all pairs of rows: [count, count], symmetric. */
export interface Similarities {
  readonly values: Float32Array | Float64Array;
  readonly count: number;
}

/** Between points on the unit sphere; what rounding takes below 0 is 0. */
const squaredDistance = (similarity: number) => Math.max(0, 2 - 2 * similarity);

/** What pairs of different rows give, each pair counted once. */
export interface PairMeasures {
  /** Mean squared distance between images of one class: lower is tighter (arXiv:2005.10242, alpha = 2). */
  readonly alignment: number;
  /** Log of the mean Gaussian potential over all pairs: lower is more even (arXiv:2005.10242, t = 2). */
  readonly uniformity: number;
  /** Mean distance within classes. */
  readonly intra: number;
  /** Mean distance between images of different classes. */
  readonly inter: number;
}

export function pairMeasures({ values, count }: Similarities, labels: Int32Array): PairMeasures {
  let [squares, potential, within, between, same] = [0, 0, 0, 0, 0];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      const squared = squaredDistance(values[a * count + b] as number);
      potential += Math.exp(-2 * squared);
      if (labels[a] === labels[b]) {
        squares += squared;
        within += Math.sqrt(squared);
        same++;
      } else between += Math.sqrt(squared);
    }
  const pairs = (count * (count - 1)) / 2;
  return {
    alignment: squares / Math.max(1, same),
    uniformity: Math.log(potential / Math.max(1, pairs)),
    intra: within / Math.max(1, same),
    inter: between / Math.max(1, pairs - same),
  };
}

/**
 * Mean silhouette (Rousseeuw 1987): how much nearer an image is to its own class than to the nearest other, -1 to 1.
 * A class of one image counts 0.
 */
export function silhouette(
  { values, count }: Similarities,
  labels: Int32Array,
  distance: 'cosine' | 'euclidean',
): number {
  const between = (similarity: number) =>
    distance === 'cosine' ? 1 - similarity : Math.sqrt(squaredDistance(similarity));
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const members = new Int32Array(classes);
  for (const label of labels) members[label] = (members[label] as number) + 1;
  const sums = new Float64Array(classes);
  let total = 0;
  for (let a = 0; a < count; a++) {
    const own = labels[a] as number;
    if (members[own] === 1) continue;
    sums.fill(0);
    for (let b = 0; b < count; b++)
      if (b !== a) {
        const label = labels[b] as number;
        sums[label] = (sums[label] as number) + between(values[a * count + b] as number);
      }
    const within = (sums[own] as number) / ((members[own] as number) - 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (let label = 0; label < classes; label++)
      if (label !== own && members[label] !== 0)
        nearest = Math.min(nearest, (sums[label] as number) / (members[label] as number));
    const larger = Math.max(within, nearest);
    if (Number.isFinite(nearest) && larger > 0) total += (nearest - within) / larger;
  }
  return total / Math.max(1, count);
}
