import {
  type ArtifactManifest,
  type ArtifactRef,
  type DatasetAbout,
  datasetAboutSchema,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { readArtifact, type Store } from '../store/index.ts';

/**
 * What a prepared data set holds.
 *
 * @throws ContrailError CorruptArtifact when it was written by another version
 */
export async function describeDataset(store: Store, ref: ArtifactRef): Promise<DatasetAbout> {
  return aboutOf(await readArtifact(store, ref), ref);
}

/** The same, from the manifest. */
export function aboutOf({ about }: ArtifactManifest, ref: ArtifactRef): DatasetAbout {
  const parsed = datasetAboutSchema.safeParse(about);
  if (parsed.success) return parsed.data;
  throw new ContrailError(
    'CorruptArtifact',
    `The data set ${ref.digest} was written by another version of Contrail. Run the prepare-data step again, in a new run.`,
  );
}
