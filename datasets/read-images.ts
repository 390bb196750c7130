import { inChannels, inColour } from './channels.ts';
import { fitImage } from './fit.ts';
import { inOrder } from './in-order.ts';
import { digestAt, sha256 } from './row-digests.ts';
import type { PreparationOptions, RawImage, RawSplit } from './source.ts';

/** An image brought to size: bytes [32, 32, channels]. */
export interface PreparedImage {
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  readonly label: number;
  /** What to call it in a message. */
  readonly name: string;
  /** SHA-256 of what it was read from, and of its pixels in three channels. */
  readonly digests: { readonly source: Uint8Array; readonly pixels: Uint8Array };
}

/** A file that cannot be used, and why. */
export interface RejectedImage {
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the given rows of a split in their order, however long each takes, and leaves out what cannot be used.
 *
 * @param rejected what could not be used is added here
 */
export async function* readImages(
  split: RawSplit,
  rows: readonly number[],
  {
    phase,
    fit,
    channels,
    rejected,
  }: Form & {
    readonly phase: string;
    readonly rejected: RejectedImage[];
  },
  { onProgress, signal }: Pick<PreparationOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<PreparedImage> {
  const read = async (row: number): Promise<PreparedImage | RejectedImage> => {
    const image = await split.read(row);
    const name = split.nameOf(row);
    if ('rejected' in image) return { path: name, reason: image.rejected };
    return prepareImage(image, { name, source: digestAt(split.digests, row) }, { fit, channels });
  };
  let done = 0;
  for await (const image of inOrder(rows, read, signal)) {
    if ('reason' in image) rejected.push(image);
    else yield image;
    if (++done % 500 === 0 || done === rows.length) {
      onProgress?.({ phase, done, total: rows.length });
      await new Promise(setImmediate);
    }
  }
}

/** How every image of a data set is brought to one form. */
interface Form {
  readonly fit: 'pad' | 'resize';
  /** What every image is turned into; as it is where absent. */
  readonly channels?: 1 | 3 | undefined;
}

/** Brings an image to the form of its data set. @param of.source SHA-256 of what it was read from */
export async function prepareImage(
  image: RawImage,
  { name, source }: { readonly name: string; readonly source: Uint8Array },
  { fit, channels }: Form,
): Promise<PreparedImage> {
  const pixels = await fitImage(image, fit);
  const prepared = inChannels({ pixels, channels: image.channels }, channels ?? image.channels);
  const inThree = prepared.channels === 3 ? prepared.pixels : inColour(prepared.pixels);
  return { ...prepared, label: image.label, name, digests: { source, pixels: sha256(inThree) } };
}
