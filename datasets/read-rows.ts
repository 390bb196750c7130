import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import type { Store } from '../store/index.ts';
import { type HowToRead, type OpenSplit, openSplit } from './open-split.ts';

/** Images of one size: bytes [count, height, width, channels]. */
export interface ImageRows {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** Reads some images of a split, in the order of the rows given. @throws ContrailError CorruptArtifact */
export async function readRows(
  store: Store,
  ref: ArtifactRef,
  name: SplitName,
  rows: Int32Array,
  how: HowToRead = {},
): Promise<ImageRows> {
  const split = await openSplit(store, ref, name, undefined, how);
  try {
    return await imageRows(split, rows);
  } finally {
    await split.close();
  }
}

/** Reads some images of a split that is open, in the order of the rows given. @throws ContrailError CorruptArtifact */
export async function imageRows(split: OpenSplit, rows: Int32Array): Promise<ImageRows> {
  const { height, width, channels } = split;
  const pixels = new Uint8Array(rows.length * height * width * channels);
  await split.read(rows, pixels, new Int32Array(rows.length));
  return { pixels, height, width, channels };
}
