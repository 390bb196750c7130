/**
 * How an embedding lies in space, measured on its L2-normalised rows. Everything here compares all pairs: for samples of
 * a few thousand rows.
 */

/** Rows [count, dimension], row-major. */
export interface Embedding {
  readonly values: Float32Array | Float64Array;
  readonly count: number;
  readonly dimension: number;
}

/** Rows scaled to length 1. */
export function normalised({ values, count, dimension }: Embedding): Embedding {
  const unit = new Float64Array(count * dimension);
  for (let row = 0; row < count; row++) {
    let squared = 0;
    for (let at = row * dimension; at < (row + 1) * dimension; at++) squared += (values[at] ?? 0) ** 2;
    const scale = 1 / Math.sqrt(Math.max(squared, 1e-24));
    for (let at = row * dimension; at < (row + 1) * dimension; at++) unit[at] = (values[at] ?? 0) * scale;
  }
  return { values: unit, count, dimension };
}

function dot({ values, dimension }: Embedding, a: number, b: number): number {
  let sum = 0;
  for (let at = 0; at < dimension; at++) sum += (values[a * dimension + at] ?? 0) * (values[b * dimension + at] ?? 0);
  return sum;
}

const squaredDistance = (unit: Embedding, a: number, b: number) => Math.max(0, 2 - 2 * dot(unit, a, b));

/** Calls back for each pair of different rows, once. */
function forPairs(count: number, visit: (a: number, b: number) => void): void {
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) visit(a, b);
}

/** Mean squared distance between images of one class: lower is tighter (arXiv:2005.10242, alpha = 2). */
export function alignment(embedding: Embedding, labels: Int32Array): number {
  const unit = normalised(embedding);
  let [sum, pairs] = [0, 0];
  forPairs(unit.count, (a, b) => {
    if (labels[a] !== labels[b]) return;
    sum += squaredDistance(unit, a, b);
    pairs++;
  });
  return sum / Math.max(1, pairs);
}

/** Log of the mean Gaussian potential over all pairs: lower is more even (arXiv:2005.10242, t = 2). */
export function uniformity(embedding: Embedding): number {
  const unit = normalised(embedding);
  let [sum, pairs] = [0, 0];
  forPairs(unit.count, (a, b) => {
    sum += Math.exp(-2 * squaredDistance(unit, a, b));
    pairs++;
  });
  return Math.log(sum / Math.max(1, pairs));
}

/** Mean distance within classes and between them. */
export function classDistances(
  embedding: Embedding,
  labels: Int32Array,
): { readonly intra: number; readonly inter: number } {
  const unit = normalised(embedding);
  const sums = { intra: 0, inter: 0 };
  const pairs = { intra: 0, inter: 0 };
  forPairs(unit.count, (a, b) => {
    const which = labels[a] === labels[b] ? 'intra' : 'inter';
    sums[which] += Math.sqrt(squaredDistance(unit, a, b));
    pairs[which]++;
  });
  return { intra: sums.intra / Math.max(1, pairs.intra), inter: sums.inter / Math.max(1, pairs.inter) };
}

/**
 * Mean silhouette (Rousseeuw 1987): how much nearer an image is to its own class than to the nearest other, -1 to 1.
 * A class of one image counts 0.
 */
export function silhouette(embedding: Embedding, labels: Int32Array, distance: 'cosine' | 'euclidean'): number {
  const unit = normalised(embedding);
  const between = (a: number, b: number) => {
    const similarity = dot(unit, a, b);
    return distance === 'cosine' ? 1 - similarity : Math.sqrt(Math.max(0, 2 - 2 * similarity));
  };
  const classes = Math.max(...labels) + 1;
  let total = 0;
  for (let a = 0; a < unit.count; a++) {
    const sums = new Float64Array(classes);
    const counts = new Int32Array(classes);
    for (let b = 0; b < unit.count; b++) {
      if (a === b) continue;
      const label = labels[b] ?? 0;
      sums[label] = (sums[label] ?? 0) + between(a, b);
      counts[label] = (counts[label] ?? 0) + 1;
    }
    const own = labels[a] ?? 0;
    if ((counts[own] ?? 0) === 0) continue;
    const within = (sums[own] ?? 0) / (counts[own] ?? 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (let label = 0; label < classes; label++)
      if (label !== own && (counts[label] ?? 0) > 0)
        nearest = Math.min(nearest, (sums[label] ?? 0) / (counts[label] ?? 1));
    if (Number.isFinite(nearest)) total += (nearest - within) / Math.max(within, nearest);
  }
  return total / Math.max(1, unit.count);
}

/** Retrieval by cosine among the rows themselves, the query left out; queries whose class has no other row do not count. */
export function retrieval(
  embedding: Embedding,
  labels: Int32Array,
  ks: readonly number[],
): { readonly recallAt: Readonly<Record<string, number>>; readonly mapAtR: number } {
  const unit = normalised(embedding);
  const hits = new Map(ks.map((k) => [k, 0]));
  let [queries, averagePrecision] = [0, 0];
  for (let a = 0; a < unit.count; a++) {
    const others = Array.from({ length: unit.count }, (_, b) => b).filter((b) => b !== a);
    const relevant = others.filter((b) => labels[b] === labels[a]).length;
    if (relevant === 0) continue;
    queries++;
    const ranked = others
      .map((b) => ({ b, similarity: dot(unit, a, b) }))
      .sort((x, y) => y.similarity - x.similarity || x.b - y.b);
    const isHit = ranked.map(({ b }) => labels[b] === labels[a]);
    for (const k of ks) if (isHit.slice(0, k).includes(true)) hits.set(k, (hits.get(k) ?? 0) + 1);
    let found = 0;
    let precision = 0;
    isHit.slice(0, relevant).forEach((hit, rank) => {
      if (hit) precision += ++found / (rank + 1);
    });
    averagePrecision += precision / relevant;
  }
  return {
    recallAt: Object.fromEntries([...hits].map(([k, count]) => [k, count / Math.max(1, queries)])),
    mapAtR: averagePrecision / Math.max(1, queries),
  };
}
