import {
  type ArtifactManifest,
  type ArtifactRef,
  type DatasetAbout,
  datasetAboutSchema,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { readArtifact } from './artifacts.ts';
import { digestOfJson } from './digest.ts';
import type { Store } from './store.ts';

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

/**
 * A digest of a data set's test images and labels: new training images leave it as it is. Labels are numbers, so who compares what was
 * said of a test set compares the classes' names as well.
 */
export async function testSetOf(store: Store, dataset: ArtifactRef): Promise<string> {
  const manifest = await readArtifact(store, dataset);
  const digests = datasetAboutOf(manifest, dataset).splits.test.shards.map(({ file }) => {
    const entry = manifest.files.find(({ path }) => path === file);
    if (!entry) throw new ContrailError('CorruptArtifact', `The data set ${dataset.digest} has no file ${file}.`);
    return entry.sha256;
  });
  return digestOfJson(digests);
}
