import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';

/** `about` of a classifier artifact, whose file `classifier.safetensors` holds `kernel` [dimension, classes] and `bias`. */
export const classifierAboutSchema = z.strictObject({
  classes: z.array(z.string()),
  dimension: z.int().positive(),
  encoder: artifactRefSchema,
  dataset: artifactRefSchema,
  learningRate: z.number(),
  epochs: z.int(),
  /** Of every learning rate that was tried. */
  candidates: z.array(
    z.strictObject({
      learningRate: z.number(),
      trainLoss: z.number().nullable(),
      validationTop1: z.number().nullable(),
    }),
  ),
});
export type ClassifierAbout = z.infer<typeof classifierAboutSchema>;
export const classifierFile = 'classifier.safetensors';

/** `about` of an evaluation artifact: the model that was measured, and on what. */
export const evaluationAboutSchema = z.object({
  classifier: artifactRefSchema,
  encoder: artifactRefSchema,
  dataset: artifactRefSchema,
});

/** evaluation.json: what was measured on the test images. */
export const evaluationSchema = z.strictObject({
  dataset: z.string(),
  classes: z.array(z.string()),
  testImages: z.int(),
  top1: z.number(),
  top5: z.number(),
  macroF1: z.number(),
  expectedCalibrationError: z.number(),
  /** Equal bins (low, high] of the highest probability; accuracy and mean confidence are null in an empty one. */
  reliability: z
    .array(
      z.strictObject({
        low: z.number(),
        high: z.number(),
        images: z.int(),
        confidence: z.number().nullable(),
        accuracy: z.number().nullable(),
      }),
    )
    .optional(),
  knn: z.array(z.strictObject({ k: z.int(), accuracy: z.number() })),
  perClass: z.array(z.strictObject({ precision: z.number(), recall: z.number(), f1: z.number(), support: z.int() })),
  /** Rows are true classes, columns predictions. */
  confusion: z.array(z.array(z.int())),
  mostConfused: z.array(
    z.strictObject({
      a: z.string(),
      b: z.string(),
      count: z.int(),
      /** Rows of the test split that were taken for the other of the two, the most confident first, at most 100. */
      rows: z.array(z.int()).optional(),
    }),
  ),
  /** The wrong predictions with the highest confidence, at most 100: rows of the test split, and classes by number. */
  worst: z
    .array(z.strictObject({ row: z.int(), label: z.int(), predicted: z.int(), confidence: z.number() }))
    .optional(),
  /** On rows spread evenly over the test split, up to 2,000. */
  geometry: z.strictObject({
    images: z.int(),
    alignment: z.number(),
    uniformity: z.number(),
    intra: z.number(),
    inter: z.number(),
    silhouette: z.number(),
    recallAt1: z.number(),
    recallAt: z.array(z.strictObject({ k: z.int(), value: z.number() })).optional(),
    rPrecision: z.number().optional(),
    mapAtR: z.number(),
  }),
  /** SHA-256 over the encoder's weights and batch-norm statistics: the same before and after, or the evaluation fails. */
  encoderDigest: digestSchema,
});
export type Evaluation = z.infer<typeof evaluationSchema>;
export const evaluationFile = 'evaluation.json';

/**
 * Of every test image, in the order of the split: `labels` I32 [images], `probabilities` F32 [images, classes].
 * Evaluations of earlier versions have neither this file nor the next.
 */
export const predictionsFile = 'predictions.safetensors';
/** Of the images that `geometry` was measured on: `rows` I32 [count] of the test split, `embedding` F32 [count, dimension]. */
export const embeddingFile = 'embedding.safetensors';
