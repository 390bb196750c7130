import { z } from 'zod';
import { type ArtifactRef, artifactRefSchema, digestSchema, imageFormSchema } from './artifacts.ts';
import { lossNames } from './losses.ts';
import { encoderSchema } from './training.ts';

/** A small layer on an encoder's embeddings. */
export const adapterSchema = z.strictObject({
  hidden: z.int().min(1).max(8192).optional().describe('units of a hidden layer; absent: none, a linear map'),
  output: z.int().min(2).max(4096).default(128).describe('length of an embedding afterwards'),
});
export type AdapterConfig = z.infer<typeof adapterSchema>;

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
  /**
   * How an image of any shape and size comes to be one that it takes. Absent: padded to the square, on white where it is
   * transparent and on black around; encoders of older versions lack it also where their data set says otherwise.
   */
  form: imageFormSchema.optional(),
  /** What it was trained on; absent where its weights came from elsewhere as they are. */
  dataset: digestSchema.optional(),
  /** SHA-256 of the training state that it was taken from, or of the file of weights. */
  trainingState: digestSchema,
  /** What it was pretrained with, where that is not SupCon. */
  loss: z.enum(lossNames).exclude(['supcon']).optional(),
  epochs: z.int().nonnegative(),
  /** Training images over which the batch-norm statistics were recomputed; 0 where all are frozen, or nothing was trained. */
  batchNormImages: z.int().nonnegative(),
  /** What was put on the encoder later: its layers, the encoder as it was before, what it was trained on, and for how long. */
  adapter: adapterSchema
    .extend({ encoder: artifactRefSchema, dataset: artifactRefSchema, epochs: z.int().positive() })
    .optional(),
});
export type EncoderAbout = z.infer<typeof encoderAboutSchema>;

/** The data sets that an encoder was trained on here, its adapter included. What weights from elsewhere have seen, nobody knows. */
export const trainedOn = ({ dataset, adapter }: EncoderAbout): readonly ArtifactRef[] => [
  ...(dataset === undefined ? [] : [{ kind: 'dataset', digest: dataset } as const]),
  ...(adapter ? [adapter.dataset] : []),
];

/** Files of an encoder artifact. The projection head is kept apart: only a retrieval by projections uses it. */
export const encoderFiles = { encoder: 'encoder.safetensors', projection: 'projection.safetensors' } as const;
