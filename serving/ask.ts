import { type GivenPhoto, inOrder } from '../datasets/index.ts';
import type { PhotoReader } from './photos.ts';
import type { ModelProcess } from './process/model-process.ts';

/** Photos that are computed at once. */
const batchSize = 32;

/** A photo that the model has seen. */
export interface SeenPhoto {
  readonly name: string;
  /** Bytes [size, size, channels], as the encoder takes them. */
  readonly pixels: Uint8Array;
  /** float32 [dimension] */
  readonly embedding: Float32Array;
  /** float32 [classes]; null without a classifier. */
  readonly logits: Float32Array | null;
}

/** One that it could not, and why, to be said after its name. */
export interface RejectedPhoto {
  readonly name: string;
  readonly rejected: string;
}

/**
 * Shows photos to a model: reads some in advance, while the model computes. They come out in batches, in their order, and no more
 * than two batches are in memory.
 */
export async function* showPhotos(
  photos: readonly GivenPhoto[],
  read: PhotoReader,
  { infer }: Pick<ModelProcess, 'infer'>,
  signal?: AbortSignal,
): AsyncGenerator<readonly (SeenPhoto | RejectedPhoto)[]> {
  const load = async ({ name, read: open }: GivenPhoto) => {
    const content = await open();
    return { name, photo: Buffer.isBuffer(content) ? await read(content) : content };
  };
  type Loaded = Awaited<ReturnType<typeof load>>;
  const see = async (batch: readonly Loaded[]) => {
    const pixels = batch.flatMap(({ photo }) => ('pixels' in photo ? [photo.pixels] : []));
    const found = pixels.length === 0 ? null : await infer(joined(pixels), pixels.length);
    const width = (values: Float32Array) => values.length / pixels.length;
    let row = 0;
    return batch.map(({ name, photo }): SeenPhoto | RejectedPhoto => {
      if ('rejected' in photo || !found) return { name, rejected: 'rejected' in photo ? photo.rejected : 'is missing' };
      const { embeddings, logits } = found;
      const own = (values: Float32Array) => values.slice(row * width(values), (row + 1) * width(values));
      const seen = { name, pixels: photo.pixels, embedding: own(embeddings), logits: logits ? own(logits) : null };
      row++;
      return seen;
    });
  };
  let batch: Loaded[] = [];
  let computing: ReturnType<typeof see> | null = null;
  const next = (): ReturnType<typeof see> => {
    const seeing = see(batch);
    // It is awaited when its turn comes.
    seeing.catch(() => {});
    batch = [];
    return seeing;
  };
  for await (const loaded of inOrder(photos, load, signal)) {
    batch.push(loaded);
    if (batch.length < batchSize) continue;
    const before = computing;
    computing = next();
    if (before) yield await before;
  }
  if (computing) yield await computing;
  if (batch.length > 0) yield await next();
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
