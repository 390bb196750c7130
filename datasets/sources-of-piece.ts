import { readTensor, type Store, unlessDamaged } from '../store/index.ts';
import { hexDigests } from './row-digests.ts';

/**
 * What the images of a piece were made from, SHA-256 in hexadecimal. The rest of it is not read, nor checked.
 *
 * @returns null for one that is gone or damaged
 */
export const sourcesOfPiece = (store: Store, path: string): Promise<readonly string[] | null> =>
  unlessDamaged(
    readTensor(store, path, 'source').then(({ data }) => hexDigests(data)),
    () => {},
  );
