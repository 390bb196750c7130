import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { Calibration } from '../contracts/calibration.ts';
import { evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import { knownImagesFile } from '../contracts/known-images.ts';
import { isEmptied, readArtifactJson, type Store } from '../store/index.ts';
import { type KnownImages, openKnown } from '../vectors/index.ts';

/** By what a model tells how sure it is, and what is unknown. */
export interface Knowing {
  /** What its evaluation chose on validation images; null where it did not. */
  readonly calibration: Calibration | null;
  /** The training images that this was chosen with; null where the evaluation keeps none. */
  readonly known: KnownImages | null;
  /** For people: what cannot be told, why, and what helps; null where all can. */
  readonly lack: string | null;
  readonly close: () => Promise<void>;
}

const again =
  'Run its pipeline again, which takes all but the evaluation from the cache, and promote what it makes if the model was promoted.';

/**
 * Opens what the evaluation of a model keeps. Whatever index the model has, photos are compared with these images: the threshold was
 * chosen with them, and holds for no others.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function openKnowing(store: Store, evaluation: ArtifactRef | null): Promise<Knowing> {
  const nothing = { calibration: null, known: null, close: async () => {} };
  const calibration = evaluation
    ? (await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema)).calibration
    : undefined;
  if (!evaluation || !calibration)
    return {
      ...nothing,
      lack: 'The confidence is not calibrated, and no photo is called unknown for being unlike all others: no evaluation with validation images measured this classifier.',
    };
  const isForgotten = await isEmptied(store, evaluation, knownImagesFile);
  if (!calibration.unknown.known || isForgotten) {
    const why = isForgotten
      ? 'they were removed because one of them was forgotten'
      : 'it was measured by an earlier version';
    return {
      ...{ ...nothing, calibration },
      lack: `The evaluation keeps no training images to compare photos with: ${why}. What is unknown is told by the classifier alone, which misses more. ${again}`,
    };
  }
  const known = await openKnown(store, evaluation);
  return { calibration, known, lack: null, close: known.close };
}
