import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { withRegularFile } from '../../store/index.ts';
import { type DecodeLimits, DecoderGaveUp, type Header, readHeader, readHeaderOf } from '../decoders/index.ts';
import { smallestSide } from '../fit.ts';
import type { PreparationOptions } from '../source.ts';
import { isAmbiguousCmyk } from './cmyk.ts';
import { formatOf, formatsShown } from './formats.ts';
import { mostScans, scansIn } from './scans.ts';
import { type FoundFile, type Rejected, reasonOf } from './walk.ts';

/** Files read at a time. */
const concurrency = 8;
const pieceBytes = 2 ** 20;
const headBytes = 512;
/** Part of a JPEG that is looked through for what it says of its colours. */
const markerBytes = 2 ** 18;
export const mostPixels = 100_000_000;
export const mostBytes = 256 * 2 ** 20;
const mostDecodedBytes = 400 * 2 ** 20;

/** The reason for what has been replaced since it was found, by a pipe say. */
export const notAFile = 'is no longer a file';

/** An image by its header: what it is, but not whether all of it is whole. */
export interface Inspected {
  /** SHA-256 of the file. */
  readonly digest: Uint8Array;
  /** Of the image in full, in memory. */
  readonly decodedBytes: number;
  /** More images or pages are in the file than the first. */
  readonly pages: number;
}

/**
 * Opens every file once: finds by its content whether it is an image that is read, and its digest.
 *
 * @returns for each file what it is, in their order
 */
export async function inspectFiles(
  root: string,
  files: readonly FoundFile[],
  { onProgress, signal }: Pick<PreparationOptions, 'onProgress' | 'signal'>,
): Promise<readonly (Inspected | Rejected)[]> {
  const results = new Array<Inspected | Rejected>(files.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    while (next < files.length) {
      signal?.throwIfAborted();
      const at = next++;
      const file = files[at] as FoundFile;
      const found = await inspect(join(root, file.path), piece);
      results[at] = typeof found === 'string' ? { path: file.path, reason: found } : found;
      if (++done % 500 === 0 || done === files.length)
        onProgress?.({ phase: 'checking files', done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}

/**
 * Opens a file once.
 *
 * @param piece what is read of it at a time
 * @returns why it cannot be used, where it cannot
 */
export async function inspect(
  path: string,
  piece: Buffer = Buffer.allocUnsafeSlow(pieceBytes),
): Promise<Inspected | string> {
  try {
    const found = await withRegularFile(path, 'followed', (file, { size }) => inspectFile(path, file, size, piece));
    return found ?? notAFile;
  } catch (error) {
    return reasonOf(error);
  }
}

async function inspectFile(path: string, file: FileHandle, size: number, piece: Buffer): Promise<Inspected | string> {
  if (size > mostBytes) return tooLarge(size);
  const hash = createHash('sha256');
  let head: Buffer | undefined;
  let read = 0;
  let scans = 0;
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, piece.length, read);
    if (bytesRead === 0) break;
    if (!head) {
      head = Buffer.from(piece.subarray(0, Math.min(markerBytes, bytesRead)));
      const problem = problemWithHead(head);
      if (problem !== null) return problem;
    }
    hash.update(piece.subarray(0, bytesRead));
    scans += scansIn(piece.subarray(0, bytesRead));
    read += bytesRead;
  }
  if (!head) return isEmpty;
  if (isJpeg(head) && scans > mostScans) return tooManyScans(scans);
  const measured = await measure(() => readHeaderOf(path, head, read));
  if (typeof measured === 'string') return measured;
  const { decodedBytes, pages } = measured;
  return { decodedBytes, pages, digest: hash.digest() };
}

/**
 * The same of an image file that is in memory.
 *
 * @param onHeader hears of its size before anything else is said of it, and may throw
 * @returns why it cannot be used, where it cannot
 * @throws what `onHeader` throws; the reason of `limits.signal`
 */
export async function inspectContent(
  content: Buffer,
  limits: DecodeLimits = {},
  onHeader: (header: Header) => void = () => {},
): Promise<(Inspected & { readonly header: Header }) | string> {
  if (content.length === 0) return isEmpty;
  if (content.length > mostBytes) return tooLarge(content.length);
  const problem = problemWithHead(content.subarray(0, markerBytes));
  if (problem !== null) return problem;
  const scans = isJpeg(content) ? scansIn(content) : 0;
  if (scans > mostScans) return tooManyScans(scans);
  const measured = await measure(() => readHeader(content, limits), onHeader);
  limits.signal?.throwIfAborted();
  return typeof measured === 'string'
    ? measured
    : { ...measured, digest: createHash('sha256').update(content).digest() };
}

const isEmpty = 'is empty (0 bytes)';
export const tooLarge = (bytes: number) =>
  `is larger than ${formatBytes(mostBytes)}: shrink it (it has ${formatBytes(bytes)})`;

const isJpeg = (head: Buffer) => {
  const format = formatOf(head.subarray(0, headBytes));
  return format.is !== 'other' && format.format === 'jpeg';
};
const tooManyScans = (scans: number) =>
  `is a JPEG of ${scans} scans, each of which takes as long as a picture: save it anew (at most ${mostScans})`;

/** @param head the first bytes of a file, at most `markerBytes` */
function problemWithHead(head: Buffer): string | null {
  const format = formatOf(head.subarray(0, headBytes));
  if (format.is === 'other') return format.what;
  return format.format === 'jpeg' && isAmbiguousCmyk(head)
    ? 'is a CMYK JPEG without the Adobe marker, whose colours may be meant in two ways: convert it to sRGB'
    : null;
}

async function measure(
  read: () => Promise<Header>,
  onHeader: (header: Header) => void = () => {},
): Promise<(Omit<Inspected, 'digest'> & { readonly header: Header }) | string> {
  let header: Header;
  try {
    header = await read();
  } catch (error) {
    if (error instanceof ContrailError) throw error;
    return damageOf(error);
  }
  onHeader(header);
  const { format, width, height, channels, bytesPerSample, pages } = header;
  if (!readFormats.includes(format)) return `is no image of a kind that is read (${formatsShown})`;
  if (Math.min(width, height) < smallestSide)
    return `is smaller than ${smallestSide}x${smallestSide} (${width}x${height})`;
  if (width * height > mostPixels)
    return `is larger than ${mostPixels / 1e6} megapixels: shrink it (${width}x${height})`;
  const decodedBytes = width * height * channels * bytesPerSample;
  if (decodedBytes > mostDecodedBytes)
    return `takes more than ${formatBytes(mostDecodedBytes)} when it is decoded: shrink it, or store it with 8 bits a colour (${formatBytes(decodedBytes)})`;
  return { decodedBytes, pages, header };
}

const readFormats: readonly string[] = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif'];

/** What the decoder says, after the words of one who looks at the file. */
export function damageOf(error: unknown): string {
  if (error instanceof DecoderGaveUp) return error.message;
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  const said = /^unknown error$/i.test(message.trim()) ? '' : ` (${message.trim().slice(0, 160)})`;
  return `is cut off or damaged${said}`;
}
