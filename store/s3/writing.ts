import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { digestOf } from '../digest.ts';
import type { KnownContent } from '../store.ts';
import { isNoSuchKey, isRefusedByCondition, statusOf } from './failures.ts';
import { digestMark, nonceMark } from './marks.ts';
import { nonceOf, type S3Object } from './reading.ts';

/** Larger content is sent in parts of so many bytes, several at a time. Every server takes these sizes. */
export const partBytes = 16 * 2 ** 20;
const partsAtOnce = 4;
/** An object has no more. */
const mostParts = 10_000;
/** A name that others take away and give again is not fought for. */
const mostRivals = 5;

/** What is written: in memory, or in a file of this machine. */
export type Source =
  | { readonly pieces: readonly Uint8Array[]; readonly content: KnownContent }
  | { readonly file: string; readonly content: KnownContent };

/** Content in memory. */
export const inMemory = (pieces: readonly Uint8Array[]): Source => ({ pieces, content: digestOf(pieces) });

/**
 * Writes an object, replacing one of its name. The server checks what it gets against SHA-256, and has the digest in the object's
 * metadata.
 *
 * @throws the SDK's errors; no part of the object is left then, unless the server cannot be reached
 */
export async function writeObject(object: S3Object, source: Source): Promise<void> {
  if (source.content.bytes <= partBytes)
    await put(object, await wholeOf(source), source.content, { nonce: randomUUID() });
  else await sendInParts(object, source);
}

/**
 * Writes an object unless there is one of that name.
 *
 * Each try has one nonce, which is in the object's metadata. Where the answer to a write was lost, the write that is sent again is
 * refused because of the first: the nonce then tells that it was ours.
 *
 * @returns whether it wrote it
 * @throws the SDK's errors
 */
export async function createObject(object: S3Object, bytes: Uint8Array): Promise<boolean> {
  const nonce = randomUUID();
  const content = digestOf(bytes);
  for (let rival = 0; ; rival++) {
    try {
      await put(object, bytes, content, { nonce, exclusive: true });
      return true;
    } catch (error) {
      if (!isRefusedByCondition(error)) {
        // It may have been written, and every answer to it and to what was sent again lost.
        if (statusOf(error) === null && (await writtenBy(object, nonce))) return true;
        throw error;
      }
      const found = await nonceOf(object);
      if (found) return found.nonce === nonce;
      if (rival === mostRivals) throw error;
    }
  }
}

/** Whether an object is that of a nonce, as far as that can be found out. */
const writtenBy = (object: S3Object, nonce: string): Promise<boolean> =>
  nonceOf(object).then(
    (found) => found?.nonce === nonce,
    () => false,
  );

async function put(
  { at, bucket, key }: S3Object,
  body: Uint8Array,
  { bytes, sha256 }: KnownContent,
  { nonce, exclusive = false }: { readonly nonce: string; readonly exclusive?: boolean },
): Promise<void> {
  const command = new at.sdk.PutObjectCommand({
    ...{ Bucket: bucket, Key: key, Body: body, ContentLength: bytes },
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
    Metadata: { [digestMark]: sha256, [nonceMark]: nonce },
    ...(exclusive ? { IfNoneMatch: '*' } : {}),
  });
  await at.inTurn(() => at.client.send(command));
}

async function sendInParts(object: S3Object, source: Source): Promise<void> {
  const { at, bucket, key } = object;
  const { bytes, sha256 } = source.content;
  const { Upload } = await import('@aws-sdk/lib-storage');
  const nonce = randomUUID();
  const upload = new Upload({
    client: at.client,
    queueSize: partsAtOnce,
    partSize: Math.max(partBytes, Math.ceil(bytes / mostParts)),
    params: {
      ...{ Bucket: bucket, Key: key, Body: streamOf(source), ContentLength: bytes, ChecksumAlgorithm: 'SHA256' },
      Metadata: { [digestMark]: sha256, [nonceMark]: nonce },
    },
  });
  try {
    // It aborts the upload where a part fails.
    await upload.done();
  } catch (error) {
    // A completion whose answer was lost is refused when it is sent again: the upload is no more.
    if (!(await writtenBy(object, nonce))) throw error;
  }
}

const streamOf = (source: Source): Readable =>
  'file' in source ? createReadStream(source.file, { highWaterMark: 2 ** 20 }) : Readable.from(source.pieces);

async function wholeOf(source: Source): Promise<Uint8Array> {
  const pieces = 'file' in source ? await createReadStream(source.file).toArray() : source.pieces;
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

/** Removes an object; nothing happens where there is none. @throws the SDK's errors */
export async function removeObject({ at, bucket, key }: S3Object): Promise<void> {
  try {
    await at.inTurn(() => at.client.send(new at.sdk.DeleteObjectCommand({ Bucket: bucket, Key: key })));
  } catch (error) {
    if (!isNoSuchKey(error)) throw error;
  }
}
