import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderAboutSchema, trainedOn } from '../contracts/encoder.ts';
import { digestsIfKept, isKnown, knownImages } from '../datasets/index.ts';
import { readAbout, type Store } from '../store/index.ts';

/**
 * Rows of the test split whose image is also among those that encoder or classifier were trained on: the same file, or
 * another that shows the same once prepared.
 *
 * @param classifierDataset what the classifier was trained on
 * @returns null where a data set does not tell
 */
export async function copiesOfTraining(
  store: Store,
  {
    dataset,
    encoder,
    classifierDataset,
  }: { readonly dataset: ArtifactRef; readonly encoder: ArtifactRef; readonly classifierDataset: ArtifactRef },
): Promise<ReadonlySet<number> | null> {
  const datasets = trainedOn(await readAbout(store, encoder, encoderAboutSchema));
  const seen = await knownImages(store, [...datasets, classifierDataset], ['train']);
  const test = await digestsIfKept(store, dataset, 'test');
  if (!seen || !test) return null;
  return new Set(test.source.flatMap((_, row) => (isKnown(seen, test, row) ? [row] : [])));
}
