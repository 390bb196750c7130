import type { ModelProcess } from './process/model-process.ts';

/** What a model gives for one photo. */
export interface Computed {
  /** float32 [dimension]. */
  readonly embedding: Float32Array;
  /** float32 [classes]; null without a classifier. */
  readonly logits: Float32Array | null;
}

/** Embeddings one after the other, float32 [n, dimension], as an index and the training images are asked. */
export function queriesOf(computed: readonly Pick<Computed, 'embedding'>[]): Float32Array {
  const dimension = computed[0]?.embedding.length ?? 0;
  const queries = new Float32Array(computed.length * dimension);
  for (const [at, { embedding }] of computed.entries()) queries.set(embedding, at * dimension);
  return queries;
}

/**
 * Has photos computed together.
 *
 * @param photos bytes [height, width, channels] each, in the format of the encoder
 * @throws what `infer` throws
 */
export async function computeTogether(
  { infer }: Pick<ModelProcess, 'infer'>,
  photos: readonly Uint8Array[],
): Promise<readonly Computed[]> {
  if (photos.length === 0) return [];
  const [first] = photos;
  const bytes = first && photos.length === 1 ? first : Buffer.concat(photos);
  const { embeddings, logits } = await infer(bytes, photos.length);
  const row = (values: Float32Array, at: number) => {
    const width = values.length / photos.length;
    return values.slice(at * width, (at + 1) * width);
  };
  return photos.map((_, at) => ({ embedding: row(embeddings, at), logits: logits ? row(logits, at) : null }));
}
