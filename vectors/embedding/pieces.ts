import { ContrailError } from '../../contracts/errors.ts';
import { digestBytes, hexDigests } from '../../datasets/index.ts';
import { bytesOf, float32, int32, joined, loadPiece, pathOfPiece, type Store, savePiece } from '../../store/index.ts';

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

/** Stores what a shard gave. @returns the name of the piece */
export async function writePiece(
  store: Store,
  place: string,
  { sources, embeddings, looks, pictures }: EmbeddedImages,
): Promise<string> {
  const count = sources.length;
  return savePiece(store, place, [
    { name: 'embeddings', dtype: 'F32', shape: [count, embeddings.length / count], data: bytesOf(embeddings) },
    { name: 'looks', dtype: 'F32', shape: [count, 3], data: bytesOf(looks) },
    { name: 'source', dtype: 'U8', shape: [count, digestBytes], data: Buffer.from(sources.join(''), 'hex') },
    ...(pictures ? joined('images', pictures) : []),
  ]);
}

/** @returns null for one that is gone or damaged: its images are embedded again */
export async function readPiece(store: Store, place: string, name: string): Promise<EmbeddedImages | null> {
  const tensors = await loadPiece(store, place, name);
  if (!tensors) return null;
  const tensor = (wanted: string) => {
    const found = tensors.get(wanted);
    if (!found)
      throw new ContrailError('CorruptArtifact', `${store.locate(pathOfPiece(place, name))} lacks ${wanted}.`);
    return found;
  };
  const pictures = () => {
    const [images, ends] = [tensor('images').data, int32(tensor('ends'))];
    return Array.from(ends, (end, at) => images.subarray(ends[at - 1] ?? 0, end));
  };
  return {
    sources: hexDigests(tensor('source').data),
    embeddings: float32(tensor('embeddings')),
    looks: float32(tensor('looks')),
    pictures: tensors.has('ends') ? pictures() : null,
  };
}
