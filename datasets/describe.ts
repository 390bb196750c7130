import type { ArtifactRef, DatasetAbout } from '../contracts/artifacts.ts';
import { datasetAboutOf, readArtifact, type Store } from '../store/index.ts';

/**
 * What a prepared data set holds.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function describeDataset(store: Store, ref: ArtifactRef): Promise<DatasetAbout> {
  return datasetAboutOf(await readArtifact(store, ref), ref);
}
