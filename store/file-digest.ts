import { hashing } from './digest.ts';
import type { KnownContent, Store } from './store.ts';

const pieceBytes = 16 * 2 ** 20;

/** A file piece by piece, however large it is. @throws ContrailError CorruptArtifact where it is missing, StoreUnreadable */
export async function* piecesOfFile(store: Store, path: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const { content, fileBytes } = await store.readRange(path, at, at + pieceBytes);
    yield content;
    at += content.length;
    if (at >= fileBytes || content.length === 0) return;
  }
}

/** Size and SHA-256 of a file, of which no more than a piece is in memory. @throws ContrailError CorruptArtifact where it is missing, StoreUnreadable */
export async function digestOfFile(
  store: Store,
  path: string,
  onPiece: (bytes: number) => void = () => {},
): Promise<KnownContent> {
  const { pieces, digest } = hashing(piecesOfFile(store, path));
  for await (const { length } of pieces) onPiece(length);
  return digest();
}
