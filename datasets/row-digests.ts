import { createHash } from 'node:crypto';
import { type ArtifactRef, type SplitName, splitOf } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { datasetAboutOf, decodeSafetensors, readArtifact, readArtifactFile, type Store } from '../store/index.ts';

/** Bytes of a SHA-256. */
export const digestBytes = 32;
/** Hashed before other work gets its turn. */
const bytesAtOnce = 2 ** 20;

/** What each row of a split was made from, so that the same image is found again in another split or data set. */
export interface RowDigests {
  /** SHA-256, in hexadecimal, of the bytes of each row's source: a file of a folder, else the image's raw bytes. */
  readonly source: readonly string[];
  /** SHA-256, in hexadecimal, of each row's prepared image in three channels: files that differ may show the same. */
  readonly pixels: readonly string[];
}

/**
 * Reads the digests of a split's rows, in their order.
 *
 * @returns null for a data set of a version that did not keep them
 * @throws ContrailError CorruptArtifact
 */
export async function readRowDigests(store: Store, ref: ArtifactRef, name: SplitName): Promise<RowDigests | null> {
  const { count, digests: file } = splitOf(datasetAboutOf(await readArtifact(store, ref), ref), name);
  if (count === 0) return { source: [], pixels: [] };
  if (file === undefined) return null;
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, file), file);
  const read = (tensor: keyof RowDigests) => {
    const { shape, data } = tensors.get(tensor) ?? { shape: [], data: new Uint8Array() };
    if (shape.join() !== [count, digestBytes].join())
      throw new ContrailError('CorruptArtifact', `${file} lacks the digests of the rows that its data set names.`);
    return hexDigests(data);
  };
  return { source: read('source'), pixels: read('pixels') };
}

/** The digest of one row, out of bytes [count, 32]. */
export const digestAt = (digests: Uint8Array, row: number): Uint8Array =>
  digests.subarray(row * digestBytes, (row + 1) * digestBytes);

/** Digests in hexadecimal, out of bytes [count, 32]. */
export const hexDigests = (digests: Uint8Array): string[] =>
  Array.from({ length: digests.length / digestBytes }, (_, row) => Buffer.from(digestAt(digests, row)).toString('hex'));

/** The key of a digest in memory: half of it tells any number of images apart. */
export const keyOfDigest = (digest: Uint8Array): string => Buffer.from(digest.subarray(0, 16)).toString('latin1');

/** Hashes images that are in memory, and lets other work have its turn. @returns bytes [count, 32] */
export async function digestsOf(
  count: number,
  imageOf: (row: number) => Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const digests = new Uint8Array(count * digestBytes);
  let sinceTurn = 0;
  for (let row = 0; row < count; row++) {
    const image = imageOf(row);
    digests.set(sha256(image), row * digestBytes);
    sinceTurn += image.byteLength;
    if (sinceTurn < bytesAtOnce) continue;
    sinceTurn = 0;
    signal?.throwIfAborted();
    await new Promise(setImmediate);
  }
  return digests;
}

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
