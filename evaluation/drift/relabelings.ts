import { randomDraws } from '../../datasets/index.ts';

/** How often recent and reference images are mixed anew. With the images as they are, that makes p values of at least 1 / 2000. */
const relabelings = 1999;

/**
 * Ways to call images recent. If both sides are drawn alike, the images as they are is one of them like any other: where its
 * statistic is among the largest, they are not drawn alike.
 */
export interface Relabelings {
  readonly count: number;
  readonly images: number;
  readonly recent: number;
  /** Bytes [count, images], 1 for recent; the first way is as it is: the recent images come first. */
  readonly masks: Uint8Array;
}

/** @param recent how many of the images are recent */
export function drawRelabelings(recent: number, images: number, seed: number): Relabelings {
  const masks = new Uint8Array((relabelings + 1) * images);
  masks.fill(1, 0, recent);
  // The smaller side is drawn, by the first steps of a shuffle; any order of the images before it will do.
  const isRecentDrawn = recent <= images - recent;
  const drawn = Math.min(recent, images - recent);
  const order = Int32Array.from({ length: images }, (_, image) => image);
  for (let way = 1; way <= relabelings; way++) {
    const own = masks.subarray(way * images, (way + 1) * images);
    if (!isRecentDrawn) own.fill(1);
    const draw = randomDraws(seed, 'relabelings', way);
    for (let at = 0; at < drawn; at++) {
      const other = at + Math.floor((draw(at) / 2 ** 32) * (images - at));
      const image = order[other] as number;
      order[other] = order[at] as number;
      order[at] = image;
      own[image] = Number(isRecentDrawn);
    }
  }
  return { count: relabelings + 1, images, recent, masks };
}

/** The share of ways whose statistic is at least that of the first. */
export function permutationP(statistics: Float64Array): number {
  const [observed = 0] = statistics;
  // What is equal but for the order of additions is a tie.
  const slack = 1e-9 * Math.max(1, Math.abs(observed));
  return statistics.filter((each) => each >= observed - slack).length / statistics.length;
}
