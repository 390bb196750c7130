import { digestOf } from './digest.ts';
import { unlessDamaged } from './reading.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/** Pieces are tensors that wait at a place for the result that they go into, each in a file named by the digest of its bytes. */
const folderOf = (place: string) => `${place}/pieces`;

export const pathOfPiece = (place: string, name: string): string => `${folderOf(place)}/${name}`;

const nameOf = (bytes: Uint8Array) => `${digestOf(bytes).sha256}.safetensors`;

/** @returns its name */
export async function savePiece(store: Store, place: string, tensors: readonly StoredTensor[]): Promise<string> {
  const bytes = Buffer.concat(encodeSafetensors(tensors));
  const name = nameOf(bytes);
  await store.write(pathOfPiece(place, name), bytes);
  return name;
}

/** The tensors of a piece, by name. @returns null for one that is gone or damaged: what is in it is made again */
export async function loadPiece(
  store: Store,
  place: string,
  name: string,
): Promise<ReadonlyMap<string, StoredTensor> | null> {
  const bytes = await unlessDamaged(store.read(pathOfPiece(place, name)), () => {});
  return bytes && nameOf(bytes) === name ? decodeSafetensors(bytes, name).tensors : null;
}

export const piecesIn = async (store: Store, place: string): Promise<readonly string[]> =>
  (await store.list(folderOf(place))).map(({ path }) => path.slice(folderOf(place).length + 1));

export const hasPiece = (store: Store, place: string, name: string): Promise<boolean> =>
  store.exists(pathOfPiece(place, name));

export const removePiece = (store: Store, place: string, name: string): Promise<void> =>
  store.remove(pathOfPiece(place, name));
