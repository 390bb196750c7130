import type { Unknown } from '../contracts/retrieval.ts';
import type { Tensor2D } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';
import type { Labelled } from './gallery.ts';
import { areaUnder, rocCurve } from './metrics/detection.ts';
import { type KnownScores, openSetClassificationRate, refusalThreshold, refusedBy } from './metrics/open-set.ts';
import { type Nearest, nearestOf, queriesAtOnce } from './nearest.ts';

/** Images compared at a time, fewer where there are many training images. */
const atOnce = { largest: 500, values: 16_000_000 };

/** Images of trained classes and of others. */
export interface KnownAndUnseen {
  readonly known: Labelled;
  readonly unseen: Labelled;
}

/**
 * How well images of classes that were never trained on are told from others by their nearest training image. Validation images of
 * trained classes choose the threshold; images of the test are only measured.
 *
 * @param refusals share of images of trained classes that may be called unknown
 * @param onProgress is told how many images have been looked at, and may throw to stop
 */
export async function measureUnknown(
  train: Labelled,
  { test, validation }: { readonly test: KnownAndUnseen; readonly validation: KnownAndUnseen },
  refusals: number,
  onProgress: (done: number, total: number) => void,
) {
  const sets = [test.known, test.unseen, validation.known, validation.unseen] as const;
  const total = sets.reduce((sum, { count }) => sum + count, 0);
  const found: KnownScores[] = [];
  let done = 0;
  const gallery = unitRows(train);
  try {
    for (const set of sets) {
      const before = done;
      found.push(await knownScores(gallery, train.labels, set, (at) => onProgress(before + at, total)));
      done += set.count;
    }
  } finally {
    gallery.dispose();
  }
  const [known, unseen, chosenKnown, chosenUnseen] = found as [KnownScores, KnownScores, KnownScores, KnownScores];
  const threshold = refusalThreshold(chosenKnown.scores, refusals);
  const isThere = validation.known.count > 0 && validation.unseen.count > 0;
  return {
    test: told(known, unseen, threshold),
    validation: isThere ? told(chosenKnown, chosenUnseen, threshold) : null,
    wanted: refusals,
    threshold,
  };
}

function told(known: KnownScores, { scores: unseen }: KnownScores, threshold: number | null): Unknown {
  return {
    images: { known: known.scores.length, unseen: unseen.length },
    auroc: areaUnder(rocCurve(known.scores, unseen)),
    oscr: openSetClassificationRate(known, unseen),
    knownRefused: threshold === null ? null : refusedBy(known.scores, threshold),
    unseenRefused: threshold === null ? null : refusedBy(unseen, threshold),
  };
}

/** The similarity of each image to the nearest training image, and whether that is of its class. */
async function knownScores(
  unit: Tensor2D,
  labels: Int32Array,
  images: Labelled,
  onProgress: (done: number) => void,
): Promise<KnownScores> {
  const { scores, places } = await nearestTraining(unit, images, onProgress);
  return { scores, isRight: Array.from(places, (place, image) => labels[place] === images.labels[image]) };
}

/**
 * The nearest training image of each image.
 *
 * @param unit rows of the training images, of length 1
 * @param onProgress may throw to stop
 */
export function nearestTraining(
  unit: Tensor2D,
  images: Embedding,
  onProgress: (done: number) => void,
): Promise<Nearest> {
  return nearestOf(images, unit, queriesAtOnce(unit.shape[0], atOnce), async (done) => {
    onProgress(done);
    await new Promise(setImmediate);
  });
}
