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

/** What pairs of different rows give, each pair counted once; null where there is no such pair. */
export interface PairMeasures {
  /** Mean squared distance between images of one class: lower is tighter (arXiv:2005.10242, alpha = 2). */
  readonly alignment: number | null;
  /** Log of the mean Gaussian potential over all pairs: lower is more even (arXiv:2005.10242, t = 2). */
  readonly uniformity: number | null;
  /** Mean distance within classes. */
  readonly intra: number | null;
  /** Mean distance between images of different classes. */
  readonly inter: number | null;
  /** Pairs of one class, and of different classes. */
  readonly pairs: { readonly within: number; readonly between: number };
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
  const mean = (sum: number, of: number) => (of === 0 ? null : sum / of);
  return {
    alignment: mean(squares, same),
    uniformity: pairs === 0 ? null : Math.log(potential / pairs),
    intra: mean(within, same),
    inter: mean(between, pairs - same),
    pairs: { within: same, between: pairs - same },
  };
}

/**
 * Mean silhouette (Rousseeuw 1987): how much nearer an image is to its own class than to the nearest other, -1 to 1.
 * Images that are alone in their class do not count (scikit-learn counts them as 0). Null where none counts, or where there
 * is one class.
 */
export function silhouette(
  { values, count }: Similarities,
  labels: Int32Array,
  distance: 'cosine' | 'euclidean',
): number | null {
  const between = (similarity: number) =>
    distance === 'cosine' ? 1 - similarity : Math.sqrt(squaredDistance(similarity));
  // Only classes that are there, so that the work does not grow with those that are not.
  const places = new Map([...new Set(labels)].map((label, place) => [label, place]));
  const placed = labels.map((label) => places.get(label) ?? 0);
  const classes = places.size;
  if (classes < 2) return null;
  const members = new Int32Array(classes);
  for (const place of placed) members[place] = (members[place] as number) + 1;
  const sums = new Float64Array(classes);
  let [total, counted] = [0, 0];
  for (let a = 0; a < count; a++) {
    const own = placed[a] as number;
    if (members[own] === 1) continue;
    counted++;
    sums.fill(0);
    for (let b = 0; b < count; b++)
      if (b !== a) {
        const place = placed[b] as number;
        sums[place] = (sums[place] as number) + between(values[a * count + b] as number);
      }
    const within = (sums[own] as number) / ((members[own] as number) - 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (let place = 0; place < classes; place++)
      if (place !== own) nearest = Math.min(nearest, (sums[place] as number) / (members[place] as number));
    const larger = Math.max(within, nearest);
    if (larger > 0) total += (nearest - within) / larger;
  }
  return counted === 0 ? null : total / counted;
}
