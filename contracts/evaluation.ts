import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';
import { calibrationSchema } from './calibration.ts';
import { confusionSchema } from './confusion.ts';
import { duplicatePairSchema } from './inspection.ts';
import { leaksSchema } from './leaks.ts';

/** `about` of a classifier artifact, whose file `classifier.safetensors` holds `kernel` [dimension, classes] and `bias`. */
export const classifierAboutSchema = z.strictObject({
  classes: z.array(z.string()),
  /** Classes of the data set that were never trained on, and that it cannot answer; absent where there are none. */
  unseenClasses: z.int().positive().optional(),
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
  /** What said which test images leak, where one was named. */
  inspection: artifactRefSchema.optional(),
});

/** The measures in brief, on some of the test images; null where there are none. */
const briefSchema = z.strictObject({
  images: z.int(),
  top1: z.number().nullable(),
  top5: z.number().nullable(),
  macroF1: z.number().nullable(),
  knn: z.number().nullable(),
});
export type BriefMeasures = z.infer<typeof briefSchema>;

/**
 * evaluation.json: what was measured on the test images, without those that leak unless they are kept. A mean over nothing is
 * null.
 */
export const evaluationSchema = z.strictObject({
  dataset: z.string(),
  /** Those that are trained on. */
  classes: z.array(z.string()),
  /** Classes of the data set that were never trained on: nothing here is measured of them. Absent where there are none. */
  unseenClasses: z.int().positive().optional(),
  /** Those that were measured on; `all` counts those that leak too. */
  testImages: z.int(),
  top1: z.number().nullable(),
  /** Null where there are at most five classes, of which each answer would be right. */
  top5: z.number().nullable(),
  /** Over the classes that occur, as truth or as prediction. */
  macroF1: z.number().nullable(),
  expectedCalibrationError: z.number().nullable(),
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
  /** Absent without validation images, and in evaluations of versions before 5; those before 6 keep no `knownImagesFile`. */
  calibration: calibrationSchema.optional(),
  knn: z.array(z.strictObject({ k: z.int(), accuracy: z.number().nullable() })),
  /** Precision is null where the class was never predicted, recall where it has no test image, F1 where both are so. */
  perClass: z.array(
    z.strictObject({
      precision: z.number().nullable(),
      recall: z.number().nullable(),
      f1: z.number().nullable(),
      support: z.int(),
    }),
  ),
  confusion: confusionSchema,
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
  /** Test images of classes that have no training image, which no classifier can name, and how many classes these are; absent where there are none. */
  untrained: z.strictObject({ images: z.int(), classes: z.int() }).optional(),
  /** The measures on all test images. Absent in evaluations of versions before 4. */
  all: briefSchema.optional(),
  /** The measures on those that do not leak, and how many do: show what a training image shows. Absent where nothing tells. */
  clean: briefSchema.optional(),
  leaks: leaksSchema
    .extend({
      /** Some of each kind, the most alike first: the test image as `a`, the training image of the data set as `b`. */
      pairs: z.array(duplicatePairSchema),
    })
    .optional(),
  /** Of versions before 4, whose measures are of all test images: how many are exact copies of training images, and the measures without. */
  copies: briefSchema.optional(),
  /** On up to 2,000 of the images that were measured on: as many of each class, or whole classes. */
  geometry: z.strictObject({
    images: z.int(),
    /** Pairs of images, on which alignment, uniformity and distances are means. */
    pairs: z.strictObject({ within: z.int(), between: z.int() }).optional(),
    alignment: z.number().nullable(),
    uniformity: z.number().nullable(),
    intra: z.number().nullable(),
    inter: z.number().nullable(),
    /** Images that are not alone in their class: retrieval and silhouette are means over these. */
    queries: z.int().optional(),
    silhouette: z.number().nullable(),
    recallAt1: z.number().nullable(),
    recallAt: z.array(z.strictObject({ k: z.int(), value: z.number().nullable() })).optional(),
    rPrecision: z.number().nullable().optional(),
    mapAtR: z.number().nullable(),
  }),
  /** SHA-256 over the encoder's weights and batch-norm statistics: the same before and after, or the evaluation fails. */
  encoderDigest: digestSchema,
});
export type Evaluation = z.infer<typeof evaluationSchema>;
export const evaluationFile = 'evaluation.json';

/**
 * Of every test image, in the order of the split, all [images]: `labels` I32, `predicted` I32, `confidence` F32 of that
 * prediction, `rank` I32 (how many classes stand before the true one), `neighbours` I32 (what the first k of nearest neighbours
 * say); and `probabilities` F32 [images, classes] where these are at most four million; `leftOut` I32, 0 where the measures are of the image,
 * else 1 more than the place of its kind of leak in `duplicateKinds`. Evaluations of versions before 4 leave none out; those of still earlier ones
 * have labels and probabilities alone, or neither this file nor the next.
 */
export const predictionsFile = 'predictions.safetensors';
/** Of the images that `geometry` was measured on: `rows` I32 [count] of the test split, `embedding` F32 [count, dimension]. */
export const embeddingFile = 'embedding.safetensors';

/** How many images the test split has: what is measured may be of fewer. */
export const splitImagesOf = ({ all, testImages }: Pick<Evaluation, 'all' | 'testImages'>): number =>
  all?.images ?? testImages;
