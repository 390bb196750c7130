import type { ArtifactRef } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type VectorRow, type VectorsAbout, vectorRowSchema } from '../contracts/vectors.ts';
import {
  bytesOf,
  type Content,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  int32,
  joined,
  readArtifactFile,
  readArtifactLines,
  type Store,
} from '../store/index.ts';

/** A shard, as the manifest of a `vectors` or `index` artifact names it. */
export type Shard = VectorsAbout['shards'][number];

/** The rows of one shard. */
export interface ShardContent {
  /** float32 [rows.length, dimension], row-major. */
  readonly embeddings: Float32Array;
  readonly rows: readonly VectorRow[];
  /** Of each row an image file to show people, or none of any. */
  readonly pictures?: readonly Uint8Array[] | undefined;
}

/** The files of a shard, and what its manifest says of it. @param number of the shard, from 0 */
export function shardFiles(
  number: number,
  { embeddings, rows, pictures }: ShardContent,
): { readonly shard: Shard; readonly files: readonly { readonly path: string; readonly content: Content }[] } {
  const ending = String(number).padStart(5, '0');
  const shard = {
    count: rows.length,
    vectors: `vectors-${ending}.safetensors`,
    rows: `rows-${ending}.jsonl`,
    ...(pictures ? { pictures: `pictures-${ending}.safetensors` } : {}),
  };
  const dimension = embeddings.length / rows.length;
  return {
    shard,
    files: [
      {
        path: shard.vectors,
        content: encodeSafetensors([
          { name: 'embeddings', dtype: 'F32', shape: [rows.length, dimension], data: bytesOf(embeddings) },
        ]),
      },
      {
        path: shard.rows,
        content: new TextEncoder().encode(
          rows.map((row) => `${JSON.stringify(vectorRowSchema.parse(row))}\n`).join(''),
        ),
      },
      ...(shard.pictures === undefined || !pictures
        ? []
        : [{ path: shard.pictures, content: encodeSafetensors(joined('images', pictures)) }]),
    ],
  };
}

/** The embeddings of a shard, float32 [count, dimension]. @throws ContrailError CorruptArtifact */
export async function readVectors(
  store: Store,
  ref: ArtifactRef,
  { vectors, count }: Shard,
  dimension: number,
): Promise<Float32Array> {
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, vectors), vectors);
  const found = tensors.get('embeddings');
  if (found?.shape.join() !== `${count},${dimension}`)
    throw new ContrailError(
      'CorruptArtifact',
      `${vectors} has no tensor embeddings of shape [${count}, ${dimension}].`,
    );
  return float32(found);
}

/** What is known of the rows of a shard. @throws ContrailError CorruptArtifact */
export async function readShardRows(store: Store, ref: ArtifactRef, { rows, count }: Shard): Promise<VectorRow[]> {
  const lines = await readArtifactLines(store, ref, rows, count);
  return lines.map((line, at) => parsedRow(line, `${rows}:${at + 1}`));
}

/** An artifact and its shards. */
export interface ShardSource {
  readonly ref: ArtifactRef;
  readonly shards: readonly Shard[];
}

/** Every row of an artifact, with its number, a shard at a time in memory. @throws ContrailError CorruptArtifact */
export async function* eachRow(
  store: Store,
  { ref, shards }: ShardSource,
): AsyncGenerator<{ readonly row: VectorRow; readonly at: number }> {
  let at = 0;
  for (const shard of shards) for (const row of await readShardRows(store, ref, shard)) yield { row, at: at++ };
}

/** One row of a shard, from its line. @param where what to call the line in an error @throws ContrailError CorruptArtifact */
export function parsedRow(line: string, where: string): VectorRow {
  try {
    return vectorRowSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new ContrailError('CorruptArtifact', `${where} does not say what the image is.`, { cause });
  }
}

/** Where each line of a shard's rows ends, of the file's bytes. */
export function rowEnds(bytes: Uint8Array): Int32Array {
  const ends: number[] = [];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) ends.push(at + 1);
  return Int32Array.from(ends);
}

/** Image files of the rows of a shard; null where none are kept. @throws ContrailError CorruptArtifact */
export async function readPictures(
  store: Store,
  ref: ArtifactRef,
  { pictures, count }: Shard,
): Promise<readonly Uint8Array[] | null> {
  if (pictures === undefined) return null;
  const bytes = await readArtifactFile(store, ref, pictures);
  const { start, ends } = pictureEnds(bytes);
  if (ends.length !== count)
    throw new ContrailError('CorruptArtifact', `${pictures} does not hold ${times(count, 'picture')}.`);
  return Array.from(ends, (end, at): Uint8Array => bytes.subarray(ends[at - 1] ?? start, end));
}

/** Where the first picture of a shard's file begins, and where each ends, of the file's bytes. @throws ContrailError CorruptArtifact */
export function pictureEnds(bytes: Uint8Array): { readonly start: number; readonly ends: Float64Array } {
  const { tensors } = decodeSafetensors(bytes, 'A file of pictures');
  const [images, ends] = [tensors.get('images'), tensors.get('ends')];
  if (!images || !ends) throw new ContrailError('CorruptArtifact', 'A file of pictures holds none.');
  const start = images.data.byteOffset - bytes.byteOffset;
  return { start, ends: Float64Array.from(int32(ends), (end) => start + end) };
}
