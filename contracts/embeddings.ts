import { z } from 'zod';
import { artifactRefSchema, splitNames } from './artifacts.ts';

/**
 * `about` of an artifact that holds the embeddings of a data set. Of each split: safetensors files in the order of its rows, with
 * `embeddings` (F32 [count, dimension]) and `labels` (I32 [count]).
 */
export const embeddingsAboutSchema = z.strictObject({
  encoder: artifactRefSchema,
  dataset: artifactRefSchema,
  dimension: z.int().positive(),
  splits: z.partialRecord(
    z.enum(splitNames),
    z.strictObject({
      count: z.int().nonnegative(),
      shards: z.array(z.strictObject({ file: z.string(), count: z.int().positive() })),
    }),
  ),
});
export type EmbeddingsAbout = z.infer<typeof embeddingsAboutSchema>;
