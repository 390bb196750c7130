import { rowsByClass } from '../../datasets/index.ts';
import { type Embedding, rowsOf } from '../embedding.ts';
import { visitNearestOf } from './nearest.ts';
import type { Turn } from './turns.ts';

/** With fewer images the quartiles of a class say nothing of what is far. */
const leastImages = 8;
/** Tukey's outer fence: so many times the distance of the quartiles beyond the upper one ("Exploratory Data Analysis", 1977). */
const fence = 3;

export interface Outlier {
  readonly image: number;
  /** Euclidean, of the embedding scaled to length 1, to the k-th nearest of its class. */
  readonly distance: number;
  /** The fence of its class. */
  readonly limit: number;
}

/**
 * Images that are far from their class: whose distance to the k-th nearest other image of it is beyond the outer fence of these
 * distances in their class.
 *
 * @param k fewer in a class that has fewer others
 * @returns the farthest beyond their fence first; and what is of classes of too few images to say
 */
export async function findOutliers(
  embedding: Embedding,
  labels: Int32Array,
  k: number,
  turn: Turn,
): Promise<{
  readonly outliers: readonly Outlier[];
  readonly leftOut: { readonly classes: number; readonly images: number };
}> {
  const outliers: Outlier[] = [];
  const leftOut = { classes: 0, images: 0 };
  let done = 0;
  for (const [, members] of rowsByClass(labels)) {
    if (members.length < leastImages) {
      leftOut.classes++;
      leftOut.images += members.length;
    } else {
      const own = rowsOf(embedding, Int32Array.from(members));
      const distances = new Float64Array(members.length);
      const wanted = Math.min(k, members.length - 1);
      await visitNearestOf(
        own,
        own,
        wanted + 1,
        (at, rows, cosines) => {
          // A copy may stand before the image itself.
          const self = rows.indexOf(at);
          const place = self >= 0 ? wanted : wanted - 1;
          distances[at] = Math.sqrt(Math.max(0, 2 - 2 * (cosines[place] as number)));
        },
        () => turn(done, labels.length),
      );
      const limit = upperFence(distances);
      for (const [at, image] of members.entries()) {
        const distance = distances[at] as number;
        if (distance > limit) outliers.push({ image, distance, limit });
      }
    }
    done += members.length;
    await turn(done, labels.length);
  }
  const beyond = ({ distance, limit }: Outlier) => distance - limit;
  return { outliers: outliers.sort((a, b) => beyond(b) - beyond(a) || a.image - b.image), leftOut };
}

function upperFence(distances: Float64Array): number {
  const sorted = distances.toSorted();
  const quartile = (share: number) => {
    const place = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return low + (place % 1) * (high - low);
  };
  const [first, third] = [quartile(0.25), quartile(0.75)];
  return third + fence * (third - first);
}
