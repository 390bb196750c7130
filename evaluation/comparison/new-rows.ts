import type { ArtifactRef, SplitName } from '../../contracts/artifacts.ts';
import { encoderAboutSchema, trainedOn } from '../../contracts/encoder.ts';
import { classifierAboutSchema } from '../../contracts/evaluation.ts';
import { digestsIfKept, isKnown, type KnownImages, knownImages } from '../../datasets/index.ts';
import { readAbout, type Store, unlessDamaged } from '../../store/index.ts';

/** Fewer images than these say nothing of two models. */
export const fewestImages = 30;

/** A model, and what to call it in a sentence. */
export interface NamedModel {
  readonly name: string;
  readonly encoder: ArtifactRef;
  /** Null for an encoder alone. */
  readonly classifier: ArtifactRef | null;
}

/** Test images by whether a model has seen them in training, or was chosen by them in validation. */
export interface NewRows {
  /** Rows that no model has seen, as far as that is known. */
  readonly rows: Int32Array;
  /** How many were left out. */
  readonly seen: number;
  /** The models of which it is not known what they have seen, and why: sentences. */
  readonly unknown: readonly string[];
}

/**
 * The rows of a data set's test split, or of another, that are new to all of some models: neither their file nor what it shows is among the
 * training and validation images of their encoders and classifiers.
 *
 * @throws ContrailError CorruptArtifact where the data set is gone, StoreUnreadable
 */
export async function newRows(
  store: Store,
  dataset: ArtifactRef,
  count: number,
  models: readonly NamedModel[],
  split: SplitName = 'test',
): Promise<NewRows> {
  const test = await digestsIfKept(store, dataset, split);
  const unknown: string[] = [];
  const known: KnownImages[] = [];
  for (const { name, encoder, classifier } of models) {
    const datasets = await datasetsOf(store, encoder, classifier);
    if (datasets === null) {
      unknown.push(`${name} has lost its encoder or classifier, so it is not known which images it has seen.`);
      continue;
    }
    // The splits of one data set share no row.
    const others = test ? datasets : datasets.filter(({ digest }) => digest !== dataset.digest);
    if (others.length === 0) continue;
    const images = test && (await knownImages(store, others, ['train', 'validation', 'unseenValidation']));
    if (images) known.push(images);
    else
      unknown.push(
        `It is not known which of the test images ${name} has seen: a data set is gone, or of a version of Contrail that did not keep what its images were made from.`,
      );
  }
  const all = Int32Array.from({ length: count }, (_, row) => row);
  const rows = test ? all.filter((row) => !known.some((images) => isKnown(images, test, row))) : all;
  return { rows, seen: count - rows.length, unknown };
}

/** What encoder and classifier were trained on; null where either is gone. */
async function datasetsOf(
  store: Store,
  encoder: ArtifactRef,
  classifier: ArtifactRef | null,
): Promise<readonly ArtifactRef[] | null> {
  const ofEncoder = await unlessDamaged(readAbout(store, encoder, encoderAboutSchema), () => {});
  if (!ofEncoder) return null;
  const own = trainedOn(ofEncoder);
  if (!classifier) return own;
  const ofClassifier = await unlessDamaged(readAbout(store, classifier, classifierAboutSchema), () => {});
  return ofClassifier && [...own, ofClassifier.dataset];
}
