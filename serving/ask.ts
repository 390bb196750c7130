import { type GivenPhoto, inOrder } from '../datasets/index.ts';
import { embeddingProblem } from '../vectors/index.ts';
import { type Computed, computeTogether } from './compute.ts';
import type { PhotoReader } from './photos.ts';
import type { ModelProcess } from './process/model-process.ts';

/** Photos that are computed at once. */
const batchSize = 32;

/** A photo that the model has seen. */
export interface SeenPhoto extends Computed {
  readonly name: string;
  /** Bytes [size, size, channels], as the encoder takes them. */
  readonly pixels: Uint8Array;
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
  process: Pick<ModelProcess, 'infer'>,
  signal?: AbortSignal,
): AsyncGenerator<readonly (SeenPhoto | RejectedPhoto)[]> {
  const load = async ({ name, read: open }: GivenPhoto) => {
    const content = await open();
    return { name, photo: Buffer.isBuffer(content) ? await read(content) : content };
  };
  type Loaded = Awaited<ReturnType<typeof load>>;
  const see = async (batch: readonly Loaded[]) => {
    const pixels = batch.flatMap(({ photo }) => ('pixels' in photo ? [photo.pixels] : []));
    const computed = (await computeTogether(process, pixels)).values();
    return batch.map(({ name, photo }): SeenPhoto | RejectedPhoto => {
      if ('rejected' in photo) return { name, rejected: photo.rejected };
      const own = computed.next().value as Computed;
      const rejected = embeddingProblem(own.embedding);
      return rejected === null ? { name, pixels: photo.pixels, ...own } : { name, rejected };
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
