import { inChannels, inColour } from './channels.ts';
import { decodeStored, encode } from './encode.ts';
import { fitImage } from './fit.ts';
import type { Form } from './form.ts';
import { inOrder } from './in-order.ts';
import { digestAt, sha256 } from './row-digests.ts';
import type { RowFacts } from './row-facts.ts';
import type { PreparationOptions, RawImage, RawSplit } from './source.ts';

/** An image in the form of its data set. */
export interface PreparedImage {
  /** Bytes [side, side, channels]; of an encoded image those that it shows. */
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  /** The image as a file, where the data set keeps files. */
  readonly encoded: Uint8Array | null;
  readonly label: number;
  /** What to call it in a message. */
  readonly name: string;
  /** What is known of it besides its class, where the source knows its images by name. */
  readonly facts: RowFacts | null;
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
  { phase, form, rejected }: { readonly phase: string; readonly form: Form; readonly rejected: RejectedImage[] },
  { onProgress, signal }: Pick<PreparationOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<PreparedImage> {
  const read = async (row: number): Promise<PreparedImage | RejectedImage> => {
    const image = await split.read(row);
    const name = split.nameOf(row);
    if ('rejected' in image) return { path: name, reason: image.rejected };
    const facts = split.factsOf ? { name, ...split.factsOf(row) } : null;
    return prepareImage(image, { name, facts, source: digestAt(split.digests, row) }, form);
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

/** Brings an image to the form of its data set. @param of.source SHA-256 of what it was read from */
export async function prepareImage(
  image: RawImage,
  { name, facts, source }: Pick<PreparedImage, 'name' | 'facts'> & { readonly source: Uint8Array },
  form: Form,
): Promise<PreparedImage> {
  const fitted = await fitImage(image, form);
  const raw = inChannels(fitted, form.channels ?? fitted.channels);
  const encoded = form.encoding ? await encode(raw, form.side, form.encoding) : null;
  const shown = encoded ? { ...raw, pixels: await decodeStored(encoded, form.side, raw.channels) } : raw;
  return { ...shown, encoded, label: image.label, name, facts, digests: { source, pixels: digestOfShown(shown) } };
}

/** SHA-256 of an image's pixels in three channels. */
export const digestOfShown = ({ pixels, channels }: Pick<PreparedImage, 'pixels' | 'channels'>): Uint8Array =>
  sha256(channels === 3 ? pixels : inColour(pixels));
