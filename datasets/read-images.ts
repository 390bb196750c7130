import { inChannels, inColour } from './channels.ts';
import type { EarlierImages } from './earlier/images.ts';
import type { KeptImage } from './earlier/pieces.ts';
import { decodeStored, encode } from './encode.ts';
import { fitImage } from './fit.ts';
import type { Form } from './form.ts';
import { inOrder } from './in-order.ts';
import type { PreparedImage, RejectedImage } from './prepared-image.ts';
import { digestAt, sha256 } from './row-digests.ts';
import type { PreparationOptions, RawImage, RawSplit } from './source.ts';

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
    form,
    rejected,
    earlier,
  }: {
    readonly phase: string;
    readonly form: Form;
    readonly rejected: RejectedImage[];
    /** Images that need not be made again; there where rows have the digests of files. */
    readonly earlier?: Pick<EarlierImages, 'find' | 'keep'> | undefined;
  },
  { onProgress, signal }: Pick<PreparationOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<PreparedImage> {
  const read = async (row: number): Promise<Made | RejectedImage> => {
    const name = split.nameOf(row);
    const known = {
      name,
      facts: split.factsOf ? { name, ...split.factsOf(row) } : null,
      source: digestAt(split.digests, row),
    };
    const kept = await earlier?.find(known.source);
    if (kept) return { image: await preparedBefore(kept, split.labels[row] as number, known, form), isNew: false };
    const image = await split.read(row);
    if ('rejected' in image) return { path: name, reason: image.rejected };
    return { image: await prepareImage(image, known, form), isNew: true };
  };
  let done = 0;
  for await (const image of inOrder(rows, read, signal)) {
    if ('reason' in image) rejected.push(image);
    else {
      if (image.isNew) await earlier?.keep(image.image);
      yield image.image;
    }
    if (++done % 500 === 0 || done === rows.length) {
      onProgress?.({ phase, done, total: rows.length });
      await new Promise(setImmediate);
    }
  }
}

interface Made {
  readonly image: PreparedImage;
  /** It was not made by an earlier preparation. */
  readonly isNew: boolean;
}

/** An image that an earlier preparation brought to the form. */
async function preparedBefore(
  { content, channels }: KeptImage,
  label: number,
  { name, facts, source }: Parameters<typeof prepareImage>[1],
  { side, encoding }: Form,
): Promise<PreparedImage> {
  const encoded = encoding ? content : null;
  const pixels = encoded ? await decodeStored(encoded, side, channels) : content;
  return {
    pixels,
    channels,
    encoded,
    label,
    name,
    facts,
    digests: { source, pixels: digestOfShown({ pixels, channels }) },
  };
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
