import { open } from 'node:fs/promises';
import { ContrailError } from '../../contracts/errors.ts';
import {
  bytesOf,
  type DecodedHeader,
  decodeSafetensors,
  decodeSafetensorsHeader,
  digestOf,
  encodeSafetensors,
  float32,
  int32,
  isMissing,
  missingFile,
  type Store,
  unlessDamaged,
  unreadable,
} from '../../store/index.ts';

/** Images that were embedded, in any order. */
export interface EmbeddedImages {
  /** SHA-256 of what each was read from, in hexadecimal. */
  readonly sources: readonly string[];
  /** float32 [images, dimension]. */
  readonly embeddings: Float32Array;
  /** float32 [images, 3]: brightness, contrast and saturation of each. */
  readonly looks: Float32Array;
  /** Of each a small picture, or none of any. */
  readonly pictures: readonly Uint8Array[] | null;
}

const digestBytes = 32;
/** More than the header of a piece, which names five tensors. */
const headerRoom = 2 ** 16;

const folderOf = (place: string) => `${place}/pieces`;
const pathOf = (place: string, name: string) => `${folderOf(place)}/${name}`;

/** Stores what a shard gave, under the digest of what is written. @returns its name */
export async function writePiece(
  store: Store,
  place: string,
  { sources, embeddings, looks, pictures }: EmbeddedImages,
): Promise<string> {
  const count = sources.length;
  const ends = new Int32Array(count);
  let end = 0;
  for (const [at, picture] of (pictures ?? []).entries()) {
    end += picture.length;
    ends[at] = end;
  }
  const bytes = Buffer.concat(
    encodeSafetensors([
      { name: 'embeddings', dtype: 'F32', shape: [count, embeddings.length / count], data: bytesOf(embeddings) },
      { name: 'looks', dtype: 'F32', shape: [count, 3], data: bytesOf(looks) },
      { name: 'source', dtype: 'U8', shape: [count, digestBytes], data: Buffer.from(sources.join(''), 'hex') },
      ...(pictures
        ? ([
            { name: 'ends', dtype: 'I32', shape: [count], data: bytesOf(ends) },
            { name: 'images', dtype: 'U8', shape: [end], data: Buffer.concat(pictures) },
          ] as const)
        : []),
    ]),
  );
  const name = `${digestOf(bytes).sha256}.safetensors`;
  await store.write(pathOf(place, name), bytes);
  return name;
}

export const piecesIn = async (store: Store, place: string): Promise<readonly string[]> =>
  (await store.list(folderOf(place))).map(({ path }) => path.slice(folderOf(place).length + 1));

export const hasPiece = (store: Store, place: string, name: string): Promise<boolean> =>
  store.exists(pathOf(place, name));

export const removePiece = (store: Store, place: string, name: string): Promise<void> =>
  store.remove(pathOf(place, name));

/** @returns null for one that is gone or damaged: its images are embedded again */
export async function readPiece(store: Store, place: string, name: string): Promise<EmbeddedImages | null> {
  const bytes = await unlessDamaged(store.read(pathOf(place, name)), () => {});
  if (!bytes || `${digestOf(bytes).sha256}.safetensors` !== name) return null;
  const { tensors } = decodeSafetensors(bytes, name);
  const tensor = (wanted: string) => {
    const found = tensors.get(wanted);
    if (!found) throw new ContrailError('CorruptArtifact', `${store.locate(pathOf(place, name))} lacks ${wanted}.`);
    return found;
  };
  const pictures = () => {
    const [images, ends] = [tensor('images').data, int32(tensor('ends'))];
    return Array.from(ends, (end, at) => images.subarray(ends[at - 1] ?? 0, end));
  };
  return {
    sources: sourcesOf(tensor('source').data),
    embeddings: float32(tensor('embeddings')),
    looks: float32(tensor('looks')),
    pictures: tensors.has('ends') ? pictures() : null,
  };
}

/** The sources of a piece alone; its content is checked when it is used. @returns null for one that is gone or damaged */
export async function readPieceSources(store: Store, place: string, name: string): Promise<readonly string[] | null> {
  return unlessDamaged(readSources(store, pathOf(place, name)), () => {});
}

async function readSources(store: Store, path: string): Promise<readonly string[]> {
  const where = await store.localFile(path);
  // Another embedding may have gathered it just now.
  const file = await open(where, 'r').catch((error: unknown) => {
    throw isMissing(error) ? missingFile(where, error) : unreadable(where, error);
  });
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(headerRoom, size));
    await file.read(head, 0, head.length, 0);
    const { tensors }: DecodedHeader = decodeSafetensorsHeader(head, size, path);
    const found = tensors.get('source');
    if (!found) throw new ContrailError('CorruptArtifact', `${store.locate(path)} lacks source.`);
    const data = Buffer.alloc(found.bytes);
    await file.read(data, 0, data.length, found.offset);
    return sourcesOf(data);
  } finally {
    await file.close();
  }
}

const sourcesOf = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / digestBytes }, (_, row) =>
    Buffer.from(bytes.buffer, bytes.byteOffset + row * digestBytes, digestBytes).toString('hex'),
  );
