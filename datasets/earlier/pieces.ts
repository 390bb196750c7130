import {
  decodeSafetensors,
  digestOf,
  encodeSafetensors,
  int32,
  listFolders,
  preparationsFolder,
  type Store,
  type StoredTensor,
  unlessDamaged,
} from '../../store/index.ts';
import type { PreparedImage } from '../prepared-image.ts';
import { digestBytes } from '../row-digests.ts';
import { joined } from '../shards/joined.ts';

/** An image as it is kept, and the SHA-256 of what it was made from. */
export interface KeptImage extends Pick<PreparedImage, 'channels'> {
  readonly source: Uint8Array;
  /** Its pixels, or its file where the data set keeps files. */
  readonly content: Uint8Array;
}

const folderOf = (place: string) => `${place}/pieces`;
const pathOf = (place: string, name: string) => `${folderOf(place)}/${name}`;

/** Stores images under the digest of what is written, for the case that the preparation ends here. @returns the name */
export async function writePiece(store: Store, place: string, images: readonly KeptImage[]): Promise<string> {
  const bytes = Buffer.concat(
    encodeSafetensors([
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
    ]),
  );
  const name = `${digestOf(bytes).sha256}.safetensors`;
  await store.write(pathOf(place, name), bytes);
  return name;
}

export const piecesIn = async (store: Store, place: string): Promise<readonly string[]> =>
  (await store.list(folderOf(place))).map(({ path }) => path.slice(folderOf(place).length + 1));

export const removePiece = (store: Store, place: string, name: string): Promise<void> =>
  store.remove(pathOf(place, name));

/** @returns null for one that is gone or damaged: its images are made again */
export async function readPiece(store: Store, place: string, name: string): Promise<readonly KeptImage[] | null> {
  const bytes = await unlessDamaged(store.read(pathOf(place, name)), () => {});
  if (!bytes || `${digestOf(bytes).sha256}.safetensors` !== name) return null;
  const { tensors } = decodeSafetensors(bytes, name);
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
        found.push(pathOf(place, name));
    }
  }
  return found;
}
