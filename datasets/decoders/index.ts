import { formatOf } from '../folder/formats.ts';
import { scansIn } from '../folder/scans.ts';
import { type Header, readHeaderHere } from './header.ts';
import { type DecodedForm, decodeHere, type Pixels } from './pixels.ts';
import { hasFewChunks } from './png-chunks.ts';
import { createDecoders } from './pool.ts';

export { DecoderGaveUp } from './gave-up.ts';
export type { Header } from './header.ts';
export type { Pixels } from './pixels.ts';

/** How long a file may hold a decoder, and what ends its work before. */
export interface DecodeLimits {
  /** @default 2 minutes, so that what a data set takes does not depend on how busy a machine is */
  readonly milliseconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultMs = 120_000;
/** A small file of a simple format is read at once whatever is in it: in this process, which is faster. */
const quickFormats: readonly string[] = ['jpeg', 'png', 'webp'];
/** Of these the header is read at once, however large the file, unless a PNG has much before its pixels. */
const quickHeaders: readonly string[] = ['jpeg', 'png'];
const quickBytes = 4 * 2 ** 20;
/** Times the scans of a JPEG, for each of which a decoder goes over all pixels, and times the bytes of a sample. */
const quickPixels = 8_000_000;
const headBytes = 512;

const decoders = createDecoders(4);

/** Reads the header of an image file. @throws DecoderGaveUp; the signal's reason; what the decoder says of it */
export async function readHeader(
  content: Uint8Array,
  { milliseconds = defaultMs, signal }: DecodeLimits = {},
): Promise<Header> {
  return hasQuickHeader(content)
    ? readHeaderHere(content)
    : decoders.run({ do: 'header', image: content }, milliseconds, signal);
}

/** The same of a file on the disk. @param head its first bytes @param bytes that it has */
export async function readHeaderOf(path: string, head: Uint8Array, bytes: number): Promise<Header> {
  return hasQuickHeader(head, bytes) ? readHeaderHere(path) : decoders.run({ do: 'header', image: path }, defaultMs);
}

/** Decodes an image file, as `decodeHere` does. @throws DecoderGaveUp; the signal's reason; what the decoder says of it */
export async function decodePixels(
  content: Uint8Array,
  header: Header,
  { form, failOn }: { readonly form: DecodedForm; readonly failOn: 'warning' | 'error' },
  { milliseconds = defaultMs, signal }: DecodeLimits = {},
): Promise<Pixels> {
  const { side, fit, background } = form;
  const work = { content, header, form: { side, fit, background }, failOn };
  return isQuick(content, header)
    ? decodeHere(content, header, form, failOn)
    : decoders.run({ do: 'pixels', ...work }, milliseconds, signal);
}

/** What can be decoded of an image that was rejected, small. @throws DecoderGaveUp; what the decoder says of it */
export const smallPicture = (content: Uint8Array): Promise<Uint8Array | null> =>
  decoders.run({ do: 'small-picture', content }, smallPictureMs);

const smallPictureMs = 10_000;

const formatIn = (head: Uint8Array): string => {
  const format = formatOf(head.subarray(0, headBytes));
  return format.is === 'image' ? format.format : 'none';
};

const isSmall = (head: Uint8Array, bytes = head.length) => quickFormats.includes(formatIn(head)) && bytes <= quickBytes;

const isQuickPng = (part: Uint8Array, until: 'IDAT' | 'IEND') => formatIn(part) !== 'png' || hasFewChunks(part, until);

const hasQuickHeader = (head: Uint8Array, bytes?: number) =>
  (quickHeaders.includes(formatIn(head)) || isSmall(head, bytes)) && isQuickPng(head, 'IDAT');

function isQuick(content: Uint8Array, { format, width, height, pages, bytesPerSample }: Header): boolean {
  const scans = format === 'jpeg' ? Math.max(1, scansIn(content)) : 1;
  const samples = width * height * scans * bytesPerSample;
  return isSmall(content) && pages === 1 && samples <= quickPixels && isQuickPng(content, 'IEND');
}
