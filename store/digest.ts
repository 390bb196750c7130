import { createHash } from 'node:crypto';
import { canonicalJson } from '../contracts/json.ts';
import { parseJsonWithin } from '../contracts/json-within.ts';
import type { Content, KnownContent } from './store.ts';

/** Node hashes less than 2 GiB at a time. */
const hashAtOnce = 2 ** 30;

/** SHA-256, in hexadecimal, and the number of bytes. */
export function digestOf(content: Content): { sha256: string; bytes: number } {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const piece of content instanceof Uint8Array ? [content] : content) {
    for (let at = 0; at < piece.byteLength; at += hashAtOnce) hash.update(piece.subarray(at, at + hashAtOnce));
    bytes += piece.byteLength;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** Content that is counted and hashed while it passes; `digest` is that of what has passed, and is asked for once. */
export function hashing(content: Content | AsyncIterable<Uint8Array>): {
  readonly pieces: AsyncGenerator<Uint8Array>;
  readonly digest: () => KnownContent;
} {
  const hash = createHash('sha256');
  let bytes = 0;
  const passing = async function* () {
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      for (let at = 0; at < piece.byteLength; at += hashAtOnce) hash.update(piece.subarray(at, at + hashAtOnce));
      bytes += piece.byteLength;
      yield piece;
    }
  };
  return { pieces: passing(), digest: () => ({ sha256: hash.digest('hex'), bytes }) };
}

/** SHA-256 of the canonical JSON of a value. */
export const digestOfJson = (value: unknown): string => digestOf(new TextEncoder().encode(canonicalJson(value))).sha256;

/** Canonical JSON with a newline, as manifests are stored. */
export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(`${canonicalJson(value)}\n`);

export const parseJson = (bytes: Uint8Array): unknown => parseJsonWithin(new TextDecoder().decode(bytes));
