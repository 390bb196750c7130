import { z } from 'zod';

/** Training images that an evaluation keeps, for photos to be compared with. */
export const knownImagesSchema = z.strictObject({
  images: z.int().positive(),
  /** Training images that there were; more than `images` where not all are kept. */
  training: z.int().positive(),
});

export type KnownCounts = z.infer<typeof knownImagesSchema>;

/**
 * The file of an evaluation artifact that holds them: `rows` I32 [images] of the training split, and `embedding` F32 [images, dimension],
 * of length 1. A photo that is less similar to all of them than `calibration.unknown.similarity.threshold` is unknown.
 */
export const knownImagesFile = 'known.safetensors';
