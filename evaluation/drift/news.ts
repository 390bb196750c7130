import { cosineSimilarities, type Embedding, unitLength } from '../embedding.ts';
import { averageLinkage } from './average-linkage.ts';

/** Unknown images that are put into clusters at most. */
const mostClustered = 2000;
const shownOfCluster = 9;
const shownClusters = 12;
const smallestCluster = 3;

/** Unknown images that are alike. Places are those among the unknown images. */
export interface Cluster {
  readonly members: readonly number[];
  /** The member that is most like all others, then those nearest to it. */
  readonly shown: readonly number[];
}

/**
 * How alike the images of a cluster are on average, at least: halfway between two known images of any kind and a known image with
 * its nearest. Unknown images are fewer than known ones, so even two of one kind are less alike than nearest images are.
 *
 * @param known images, of which the mean cosine of all pairs is taken
 * @param nearest cosine that a known image has at least to its nearest
 */
export function likenessOfCluster(known: Embedding, nearest: number): number {
  const { values, count, dimension } = unitLength(known);
  const sum = new Float64Array(dimension);
  for (let at = 0; at < values.length; at++)
    sum[at % dimension] = (sum[at % dimension] as number) + (values[at] as number);
  const all = sum.reduce((total, each) => total + each * each, 0);
  return ((all - count) / (count * (count - 1)) + nearest) / 2;
}

/**
 * Puts unknown images into clusters whose images are on average as alike as `least`.
 *
 * @returns the largest clusters, and how many images are in none of them
 */
export function clustersOf(
  unknown: Embedding,
  least: number,
): { readonly clusters: readonly Cluster[]; readonly others: number } {
  const count = Math.min(unknown.count, mostClustered);
  if (count === 0) return { clusters: [], others: 0 };
  const { dimension } = unknown;
  const { values } = cosineSimilarities({ values: unknown.values.subarray(0, count * dimension), count, dimension });
  const found = averageLinkage(Float32Array.from(values), count, least);
  const clusters = found
    .filter(({ length }) => length >= smallestCluster)
    .slice(0, shownClusters)
    .map((members) => ({ members, shown: shownOf(members, values, count) }));
  const inClusters = clusters.reduce((sum, { members }) => sum + members.length, 0);
  return { clusters, others: unknown.count - inClusters };
}

function shownOf(members: readonly number[], similarities: ArrayLike<number>, count: number): readonly number[] {
  const between = (a: number, b: number) => similarities[a * count + b] as number;
  const toAll = new Map(members.map((at) => [at, members.reduce((sum, other) => sum + between(at, other), 0)]));
  const [medoid = 0] = [...members].sort((a, b) => (toAll.get(b) as number) - (toAll.get(a) as number) || a - b);
  return [
    medoid,
    ...members
      .filter((at) => at !== medoid)
      .sort((a, b) => between(medoid, b) - between(medoid, a) || a - b)
      .slice(0, shownOfCluster - 1),
  ];
}
