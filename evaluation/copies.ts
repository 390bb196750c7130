import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import { encoderAboutSchema, trainedOn } from '../contracts/encoder.ts';
import { digestsIfKept, isKnown, knownImages } from '../datasets/index.ts';
import { readAbout, type Store } from '../store/index.ts';

/**
 * Rows of some splits whose image is also among those that encoder or classifier were trained on: the same file, or another that shows
 * the same once prepared.
 *
 * @param classifierDataset what the classifier was trained on
 * @returns those of each split, in the order of `splits`; null where a data set does not tell
 */
export async function copiesOfTraining(
  store: Store,
  {
    dataset,
    encoder,
    classifierDataset,
  }: { readonly dataset: ArtifactRef; readonly encoder: ArtifactRef; readonly classifierDataset: ArtifactRef },
  splits: readonly SplitName[],
): Promise<readonly (ReadonlySet<number> | null)[]> {
  const datasets = trainedOn(await readAbout(store, encoder, encoderAboutSchema));
  const seen = await knownImages(store, [...datasets, classifierDataset], ['train']);
  const copies: (ReadonlySet<number> | null)[] = [];
  for (const split of splits) {
    const own = await digestsIfKept(store, dataset, split);
    copies.push(seen && own && new Set(own.source.flatMap((_, row) => (isKnown(seen, own, row) ? [row] : []))));
  }
  return copies;
}
