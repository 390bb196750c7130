import { rm } from 'node:fs/promises';
import { hashing } from '../digest.ts';
import { type TemporaryFile, writeTemporary } from '../staged-files.ts';
import type { Content, KnownContent } from '../store.ts';
import { partBytes } from './writing.ts';

/** Content in a file of this machine, until it is sent. */
export interface Spooled {
  readonly file: string;
  readonly content: KnownContent;
  readonly temporary: TemporaryFile;
}

/** Content that is too large for memory, or whose name is not known yet, in a file of this machine. */
export async function spool(
  folder: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Spooled> {
  const { pieces, digest } = hashing(content);
  const temporary = await writeTemporary(folder, pieces);
  return { file: temporary.path, content: digest(), temporary };
}

export async function discard({ file, temporary }: Spooled): Promise<void> {
  temporary.letGo();
  await rm(file, { force: true });
}

/** Content as pieces in memory where it is there already, or small; else as what is still to come. */
export async function inPieces(
  content: Content | AsyncIterable<Uint8Array>,
): Promise<{ readonly all: readonly Uint8Array[] } | { readonly rest: AsyncIterable<Uint8Array> }> {
  if (content instanceof Uint8Array) return { all: [content] };
  if (Array.isArray(content)) return { all: content };
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const source = piecesOf(content);
  for (let next = await source.next(); !next.done; next = await source.next()) {
    pieces.push(next.value);
    bytes += next.value.byteLength;
    if (bytes > partBytes)
      return {
        rest: (async function* () {
          yield* pieces;
          yield* source;
        })(),
      };
  }
  return { all: pieces };
}

async function* piecesOf(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* content;
}
