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

/** An evaluation of an earlier version is made again of the same model. A forgotten image makes another data set, and so another model. */
const remedies = {
  earlier:
    'Run its pipeline again: all but the evaluation comes from the cache. If the model was promoted, promote that with --force, as it is the same model.',
  forgotten:
    'Run its pipeline again: it prepares another data set, without the image, and trains and measures another model. If the model was promoted, a promote step compares the two; by hand, `contrail models promote` may need --force.',
} as const;

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
    const [why, remedy] = isForgotten
      ? ['they were removed because one of them was forgotten', remedies.forgotten]
      : ['it was measured by an earlier version', remedies.earlier];
    return {
      ...{ ...nothing, calibration },
      lack: `The evaluation keeps no training images to compare photos with: ${why}. What is unknown is told by the classifier alone, which misses more. ${remedy}`,
    };
  }
  const known = await openKnown(store, evaluation);
  return { calibration, known, lack: null, close: known.close };
}
