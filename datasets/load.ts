import { type ArtifactRef, type DatasetAbout, datasetAboutSchema, type SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { decodeSafetensors, int32, readArtifact, readArtifactFile, type Store } from '../store/index.ts';

/** A split of a prepared data set, in memory. */
export interface LoadedSplit {
  /** Bytes [count, height, width, channels]. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** What a prepared data set holds. */
export async function describeDataset(store: Store, ref: ArtifactRef): Promise<DatasetAbout> {
  return datasetAboutSchema.parse((await readArtifact(store, ref)).about);
}

/**
 * Reads one split and checks it against its digest.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function loadSplit(store: Store, ref: ArtifactRef, split: SplitName): Promise<LoadedSplit> {
  const about = await describeDataset(store, ref);
  const { file, count } = about.splits[split];
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, file), file);
  const [images, labels] = [tensors.get('images'), tensors.get('labels')];
  if (!images || !labels)
    throw new ContrailError('CorruptArtifact', `${file} of data set ${ref.digest} lacks images or labels.`);
  return { images: images.data, labels: int32(labels), count, ...about.image };
}
