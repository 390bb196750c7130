import { z } from 'zod';
import { artifactRefSchema, digestSchema, splitNameSchema } from './artifacts.ts';
import { countsItsRows, wrongCount } from './row-counts.ts';

/**
 * `about` of a `vectors` artifact: images that were embedded, wherever they come from, and what is known of each. In the order
 * of the shards; every image is in exactly one row.
 */
export const vectorsAboutSchema = z
  .strictObject({
    encoder: artifactRefSchema,
    dimension: z.int().positive(),
    count: z.int().nonnegative(),
    /** What was embedded: splits of a data set, or a folder or table; `digest` is over names, bytes and labels of all images. */
    of: z.union([
      z.strictObject({ dataset: artifactRefSchema, splits: z.array(splitNameSchema).min(1) }),
      z.strictObject({ images: z.string(), digest: digestSchema }),
    ]),
    shards: z.array(
      z.strictObject({
        count: z.int().positive(),
        /** Safetensors with `embeddings`, F32 [count, dimension], as the encoder gives them. */
        vectors: z.string(),
        /** JSON lines, `vectorRowSchema`, one a row. */
        rows: z.string(),
        /** Safetensors with `images`, U8 [bytes], WebP files of at most 96 pixels a side, and where each ends, `ends`, I32 [count]. */
        pictures: z.string().optional(),
      }),
    ),
    /** Files that could not be used. `list`: JSON lines of `{ name, reason }`; absent where there are none. */
    rejected: z.strictObject({ count: z.int().nonnegative(), list: z.string().optional() }),
  })
  .refine(countsItsRows, wrongCount);
export type VectorsAbout = z.infer<typeof vectorsAboutSchema>;

/** What is known of an embedded image. */
export const vectorRowSchema = z.strictObject({
  /** Path in its folder, or what its table or data set calls it. */
  name: z.string(),
  /** SHA-256 of the file; of a data set's image of what it was read from. */
  source: digestSchema,
  /** Its class, where that is known. */
  label: z.string().optional(),
  group: z.string().optional(),
  category: z.string().optional(),
  /** The split of a data set that it is in. */
  split: splitNameSchema.optional(),
  /** Statistics of the image as the encoder sees it, each 0 to 1: mean and deviation of its luma, mean saturation. */
  brightness: z.number(),
  contrast: z.number(),
  saturation: z.number(),
});
export type VectorRow = z.infer<typeof vectorRowSchema>;
