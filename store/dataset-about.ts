import {
  type ArtifactManifest,
  type ArtifactRef,
  type DatasetAbout,
  datasetAboutSchema,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';

/**
 * What a data set's manifest says that it holds.
 *
 * @throws ContrailError CorruptArtifact when another version of Contrail wrote it
 */
export function datasetAboutOf({ about }: ArtifactManifest, ref: ArtifactRef): DatasetAbout {
  const parsed = datasetAboutSchema.safeParse(about);
  if (parsed.success) return parsed.data;
  throw new ContrailError(
    'CorruptArtifact',
    `The data set ${ref.digest} was written by another version of Contrail. Run the prepare-data step again, in a new run.`,
  );
}
