import {
  int32,
  joined,
  listFolders,
  loadPiece,
  pathOfPiece,
  piecesIn,
  preparationsFolder,
  type Store,
  type StoredTensor,
  savePiece,
} from '../../store/index.ts';
import type { PreparedImage } from '../prepared-image.ts';
import { digestBytes } from '../row-digests.ts';

/** An image as it is kept, and the SHA-256 of what it was made from. */
export interface KeptImage extends Pick<PreparedImage, 'channels'> {
  readonly source: Uint8Array;
  /** Its pixels, or its file where the data set keeps files. */
  readonly content: Uint8Array;
}

/** Stores images for the case that the preparation ends here. @returns the name of the piece */
export const writePiece = (store: Store, place: string, images: readonly KeptImage[]): Promise<string> =>
  savePiece(store, place, [
    ...joined(
      'content',
      images.map(({ content }) => content),
    ),
    { name: 'channels', dtype: 'U8', shape: [images.length], data: Uint8Array.from(images, (each) => each.channels) },
    {
      name: 'source',
      dtype: 'U8',
      shape: [images.length, digestBytes],
      data: Buffer.concat(images.map(({ source }) => source)),
    },
  ]);

/** @returns null for one that is gone or damaged: its images are made again */
export async function readPiece(store: Store, place: string, name: string): Promise<readonly KeptImage[] | null> {
  const tensors = await loadPiece(store, place, name);
  if (!tensors) return null;
  const [content, ends, channels, source] = ['content', 'ends', 'channels', 'source'].map((tensor) =>
    tensors.get(tensor),
  ) as [StoredTensor, StoredTensor, StoredTensor, StoredTensor];
  const endOf = int32(ends);
  return Array.from(endOf, (end, row) => ({
    content: content.data.slice(endOf[row - 1] ?? 0, end),
    channels: channels.data[row] === 1 ? 1 : 3,
    source: source.data.slice(row * digestBytes, (row + 1) * digestBytes),
  }));
}

/** The pieces of all forms that hold an image. @param sources SHA-256 in hexadecimal */
export async function piecesHolding(store: Store, sources: ReadonlySet<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const form of await listFolders(store, preparationsFolder)) {
    const place = `${preparationsFolder}/${form}`;
    for (const name of await piecesIn(store, place)) {
      const images = await readPiece(store, place, name);
      // A damaged one is of no use to anybody, and may hold it.
      if (!images || images.some(({ source }) => sources.has(Buffer.from(source).toString('hex'))))
        found.push(pathOfPiece(place, name));
    }
  }
  return found;
}
