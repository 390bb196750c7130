import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import type { Store } from '../store/index.ts';
import { type OpenSplit, openSplit } from './open-split.ts';

/** A split of a prepared data set, in memory. */
export interface LoadedSplit extends Pick<OpenSplit, 'count' | 'height' | 'width' | 'channels'> {
  /** Bytes [count, height, width, channels]. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

/**
 * Reads one split and checks it against its digest.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function loadSplit(store: Store, ref: ArtifactRef, name: SplitName): Promise<LoadedSplit> {
  const split = await openSplit(store, ref, name);
  try {
    return await readWholeSplit(split);
  } finally {
    await split.close();
  }
}

/** Every row of a split, in order. */
export async function readWholeSplit(split: OpenSplit): Promise<LoadedSplit> {
  const { count, height, width, channels } = split;
  const images = new Uint8Array(count * height * width * channels);
  const labels = new Int32Array(count);
  await split.read(
    Int32Array.from({ length: count }, (_, row) => row),
    images,
    labels,
  );
  return { images, labels, count, height, width, channels };
}
