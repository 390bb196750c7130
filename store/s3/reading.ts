import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { inLanes } from '../in-lanes.ts';
import { OtherContent } from '../object-cache.ts';
import type { FileRange } from '../store.ts';
import type { S3Connection } from './connection.ts';
import { isNoSuchKey, isPastEnd } from './failures.ts';
import { digestMark, nonceMark } from './marks.ts';
import { waitMs } from './retries.ts';

/** An object on a server. */
export interface S3Object {
  readonly at: S3Connection;
  readonly bucket: string;
  readonly key: string;
}

/** Answers that break off, without a byte more, before a reading is given up. */
const mostBroken = 6;

/** Read at a time when a large object becomes a file. */
const pieceBytes = 16 * 2 ** 20;
const piecesAtOnce = 4;

interface Answer {
  readonly content: Buffer;
  /** Of the whole object. */
  readonly fileBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly etag: string | undefined;
}

/** An answer ended before it was whole. */
class BrokenOff extends Error {}

/** What was read is not what was written. */
export class WrongDigest extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`expected SHA-256 ${expected}, found ${found}`);
  }
}

/**
 * Reads an object, and checks it against the digest that was stored with it. An answer that breaks off is gone on with.
 *
 * @throws the SDK's errors, WrongDigest
 */
export async function readObject(object: S3Object): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const { content, metadata, sha256 } = await readHashed(object);
    const expected = metadata[digestMark];
    if (expected === undefined || expected === sha256) return content;
    // The bytes may have been spoilt on the way.
    if (attempt === 2) throw new WrongDigest(expected, sha256);
  }
}

async function readHashed(object: S3Object) {
  const hash = createHash('sha256');
  const answer = await readBytes(object, null, (piece) => hash.update(piece));
  return { ...answer, sha256: hash.digest('hex') };
}

/** Reads bytes of an object from `from` up to `to`, or its end. @throws the SDK's errors */
export async function readPartOf(object: S3Object, from: number, to: number): Promise<FileRange> {
  try {
    // Nothing at all cannot be asked for.
    const { content, fileBytes } = await readBytes(object, { from, to: Math.max(to, from + 1) });
    return { content: content.subarray(0, Math.max(0, to - from)), fileBytes };
  } catch (error) {
    if (!isPastEnd(error)) throw error;
    return { content: Buffer.alloc(0), fileBytes: await lengthOf(object) };
  }
}

/** Whether there is an object. @throws the SDK's errors, for all that does not say so for certain */
export async function hasObject(object: S3Object): Promise<boolean> {
  try {
    await readBytes(object, { from: 0, to: 1 });
    return true;
  } catch (error) {
    if (isPastEnd(error)) return true;
    if (isNoSuchKey(error)) return false;
    throw error;
  }
}

/** The nonce of whoever wrote an object; null where there is none, or it has none. @throws the SDK's errors */
export async function nonceOf(object: S3Object): Promise<{ readonly nonce: string | null } | null> {
  try {
    const { metadata } = await readBytes(object, { from: 0, to: 1 });
    return { nonce: metadata[nonceMark] ?? null };
  } catch (error) {
    if (isNoSuchKey(error)) return null;
    if (!isPastEnd(error)) throw error;
    const { Metadata } = await headOf(object);
    return { nonce: Metadata?.[nonceMark] ?? null };
  }
}

/**
 * What tells one writing of an object from all others: the nonce of who wrote it, what the server calls it, and its length. Null
 * where there is none, or it was not written by a store.
 *
 * @throws the SDK's errors
 */
export async function markOfWriting(object: S3Object): Promise<string | null> {
  try {
    const { metadata, etag, fileBytes } = await readBytes(object, { from: 0, to: 1 });
    const nonce = metadata[nonceMark];
    return nonce === undefined || etag === undefined ? null : `${nonce} ${etag} ${fileBytes}`;
  } catch (error) {
    if (isNoSuchKey(error) || isPastEnd(error)) return null;
    throw error;
  }
}

/** Writes an object of known length into a new file, several pieces at a time. @throws the SDK's errors, OtherContent for another length */
export async function readIntoFile(object: S3Object, bytes: number, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const starts = Array.from({ length: Math.ceil(bytes / pieceBytes) }, (_, at) => at * pieceBytes);
    await inLanes(piecesAtOnce, starts, async (from) => {
      const { content, fileBytes } = await readPartOf(object, from, Math.min(bytes, from + pieceBytes));
      if (fileBytes !== bytes) throw new OtherContent({ bytes: fileBytes, sha256: null });
      await file.write(content, 0, content.length, from);
    });
    // An empty one was not asked for yet, and may not be there.
    if (bytes === 0) await readBytes(object, null);
  } finally {
    await file.close();
  }
}

const headOf = ({ at, bucket, key }: S3Object) =>
  at.inTurn(() => at.client.send(new at.sdk.HeadObjectCommand({ Bucket: bucket, Key: key })));

const lengthOf = async (object: S3Object): Promise<number> => (await headOf(object)).ContentLength ?? 0;

async function readBytes(
  object: S3Object,
  range: { readonly from: number; readonly to: number } | null,
  onPiece: (piece: Uint8Array) => void = () => {},
): Promise<Answer> {
  const reading: Reading = { range, received: 0, content: null, fileBytes: 0, metadata: {}, etag: undefined, onPiece };
  for (let broken = 0; ; ) {
    const before = reading.received;
    try {
      await object.at.inTurn(() => readOn(object, reading));
      const { content, fileBytes, metadata, etag } = reading;
      return { content: content ?? Buffer.alloc(0), fileBytes, metadata, etag };
    } catch (error) {
      if (!(error instanceof BrokenOff)) throw error;
      broken = reading.received > before ? 0 : broken + 1;
      if (broken === mostBroken) throw error.cause;
    }
    await sleep(waitMs(broken));
  }
}

interface Reading {
  readonly range: { readonly from: number; readonly to: number } | null;
  readonly onPiece: (piece: Uint8Array) => void;
  received: number;
  content: Buffer | null;
  fileBytes: number;
  metadata: Readonly<Record<string, string>>;
  etag: string | undefined;
}

/** Asks for what is missing, and takes what comes. @throws BrokenOff where that is not all */
async function readOn({ at, bucket, key }: S3Object, reading: Reading): Promise<void> {
  const { range, received, content, etag } = reading;
  const from = (range?.from ?? 0) + received;
  const asked = range || received > 0 ? `bytes=${from}-${range ? range.to - 1 : ''}` : undefined;
  const answer = await at.client.send(
    new at.sdk.GetObjectCommand({ Bucket: bucket, Key: key, Range: asked, IfMatch: received > 0 ? etag : undefined }),
  );
  const body = answer.Body as Readable;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? '') ?? [];
  const length = answer.ContentLength;
  if (length === undefined || (asked !== undefined && Number(start) !== from)) {
    body.destroy();
    throw new Error(
      `the server answered a request for ${asked ?? 'all bytes'} of an object with ${answer.ContentRange ?? 'no range'}`,
    );
  }
  reading.etag = answer.ETag;
  reading.metadata = answer.Metadata ?? {};
  reading.fileBytes = total === undefined ? length : Number(total);
  const filled = content ?? Buffer.allocUnsafeSlow(length);
  reading.content = filled;
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      filled.set(piece, reading.received);
      reading.received += piece.length;
      reading.onPiece(piece);
    }
  } catch (cause) {
    throw new BrokenOff('the answer broke off', { cause });
  }
  if (reading.received < filled.length)
    throw new BrokenOff('the answer ended early', {
      cause: Object.assign(new Error(`the answer ended after ${reading.received} of ${filled.length} bytes`), {
        code: 'ECONNRESET',
      }),
    });
}
