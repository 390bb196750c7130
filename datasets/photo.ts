import { inChannels } from './channels.ts';
import type { DecodeLimits, Header } from './decoders/index.ts';
import { decodeStored, encode } from './encode.ts';
import { fitImage } from './fit.ts';
import { decodeContent } from './folder/decode.ts';
import { inspectContent } from './folder/inspect.ts';
import type { Form } from './form.ts';

/** A photo as an encoder takes it. */
export interface Photo {
  /** Bytes [size, size, channels] of the form. */
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  /** SHA-256 of the file. */
  readonly source: Uint8Array;
}

/**
 * Brings an image file to a form, by the same steps as a data set of that form does, so that the pixels are the same to the bit.
 *
 * @param content of a file of any kind
 * @param limits how long it may take, and `onHeader`, which hears of its size before it is decoded and may throw
 * @returns why it cannot be used, to be said after its name, where it cannot
 * @throws the reason of `limits.signal`; what `onHeader` throws
 */
export async function readPhoto(
  content: Buffer,
  form: Form,
  { onHeader, ...limits }: DecodeLimits & { readonly onHeader?: (header: Header) => void } = {},
): Promise<Photo | { readonly rejected: string }> {
  const found = await inspectContent(content, limits, onHeader);
  if (typeof found === 'string') return { rejected: found };
  const decoded = await decodeContent(content, 0, found, form, limits);
  if ('rejected' in decoded) return decoded;
  const fitted = await fitImage(decoded, form);
  const { pixels, channels } = inChannels(fitted, form.channels ?? fitted.channels);
  // A data set that keeps files shows what the file shows, so the photo goes through one as well.
  const shown = form.encoding
    ? await decodeStored(await encode({ pixels, channels }, form.side, form.encoding), form.size, channels)
    : pixels;
  return { pixels: shown, channels, source: found.digest };
}
