import { z } from 'zod';
import { digestSchema } from './artifacts.ts';
import { encoderSchema } from './training.ts';

/** `about` of an encoder artifact: everything that is needed to embed an image as the training did. */
export const encoderAboutSchema = z.strictObject({
  encoder: encoderSchema,
  dimension: z.int().positive(),
  /** Images as the encoder takes them, and how they are normalised: (pixel / 255 - mean) / deviation. */
  image: z.strictObject({
    height: z.int().positive(),
    width: z.int().positive(),
    channels: z.union([z.literal(1), z.literal(3)]),
    mean: z.array(z.number()),
    deviation: z.array(z.number().positive()),
  }),
  dataset: digestSchema,
  /** SHA-256 of the training state that it was taken from. */
  trainingState: digestSchema,
  epochs: z.int().positive(),
  /** Training images over which the batch-norm statistics were recomputed. */
  batchNormImages: z.int().positive(),
});
export type EncoderAbout = z.infer<typeof encoderAboutSchema>;

/** Files of an encoder artifact. The projection head is kept apart: nothing downstream uses it. */
export const encoderFiles = { encoder: 'encoder.safetensors', projection: 'projection.safetensors' } as const;
