import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { knownImagesFile } from '../../contracts/known-images.ts';
import { decodeSafetensors, float32, readArtifactFile, type Store } from '../../store/index.ts';
import { exactSearcher } from './exact.ts';
import type { Searcher } from './searcher.ts';

/** Reads the training images that an evaluation keeps. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function knownSearcher(store: Store, evaluation: ArtifactRef): Promise<Searcher> {
  const { tensors } = decodeSafetensors(await readArtifactFile(store, evaluation, knownImagesFile), knownImagesFile);
  const embedding = tensors.get('embedding');
  const [images = 0, dimension = 0] = embedding?.shape ?? [];
  if (!embedding || images === 0 || dimension === 0)
    throw new ContrailError(
      'CorruptArtifact',
      `${knownImagesFile} of the evaluation ${evaluation.digest} holds no images. Run the step that made it again.`,
    );
  return exactSearcher(float32(embedding), dimension);
}
