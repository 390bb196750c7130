import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { mostRejectedPictures, type RejectedPicture } from '../../contracts/rejected-pictures.ts';
import { explained } from '../../contracts/system-errors.ts';
import { withRegularFile } from '../../store/index.ts';
import { smallPicture } from '../decoders/index.ts';
import { formatOf } from './formats.ts';
import { isInside, type Rejected } from './walk.ts';

/** Files that are looked at; many may show nothing. */
const mostTried = 200;
const mostBytes = 32 * 2 ** 20;

/**
 * What rejected files show, as far as they can be decoded: the first of them, small. A person sees from it what is wrong. One at a
 * time is in memory; links are not followed out of the folder.
 *
 * @param root a real path
 * @param isForgotten by the SHA-256 of a file: no picture of it may be kept
 */
export async function rejectedPictures(
  root: string,
  rejected: readonly Rejected[],
  isForgotten: (source: Uint8Array) => boolean,
  signal?: AbortSignal,
): Promise<readonly RejectedPicture[]> {
  const pictures: RejectedPicture[] = [];
  for (const { path } of rejected.slice(0, mostTried)) {
    signal?.throwIfAborted();
    if (pictures.length === mostRejectedPictures) break;
    const content = await contentOf(root, path);
    if (!content) continue;
    const source = createHash('sha256').update(content).digest();
    const webp = isForgotten(source) ? null : await partOf(content);
    if (webp) pictures.push({ path, source: source.toString('hex'), webp: webp.toString('base64') });
  }
  return pictures;
}

/** The bytes of an image file in the folder; null where it is none. */
async function contentOf(root: string, path: string): Promise<Buffer | null> {
  try {
    const real = await realpath(join(root, path));
    if (!isInside(root, real)) return null;
    const content = await withRegularFile(real, 'refused', async (file, { size }) =>
      size > mostBytes ? null : file.readFile(),
    );
    return content && formatOf(content.subarray(0, 512)).is === 'image' ? content : null;
  } catch (error) {
    // It was rejected already, and said why.
    if (explained(error)) return null;
    throw error;
  }
}

/** What can be decoded of an image; null where nothing can, or where it shows nothing. */
async function partOf(content: Buffer): Promise<Buffer | null> {
  try {
    const picture = await smallPicture(content);
    return picture && Buffer.from(picture);
  } catch (error) {
    if (error instanceof ContrailError) throw error;
    return null;
  }
}
