import { z } from 'zod';
import { knownImagesSchema } from './known-images.ts';

/** A threshold that validation images chose, and the share of the known test images that stays below it; null where there is none. */
const refusalSchema = z.strictObject({ threshold: z.number(), refused: z.number().nullable() });

/**
 * What validation images say of a classifier's answers; test images are only measured. They are images of trained classes, without those
 * that leak from training where that is known.
 */
export const calibrationSchema = z.strictObject({
  /** Validation images that chose. */
  images: z.int().positive(),
  /** Logits are divided by it before the softmax (temperature scaling; Guo et al. 2017, arXiv:1706.04599). */
  temperature: z.number().positive(),
  /** Mean negative log-likelihood of the validation images, in nats, before and after. */
  negativeLogLikelihood: z.strictObject({ before: z.number(), after: z.number() }),
  /** Expected calibration error on the test images that are measured, before and after; null where there are none. */
  expectedCalibrationError: z.strictObject({ before: z.number().nullable(), after: z.number().nullable() }),
  /** Below either threshold an image is called unknown. */
  unknown: z.strictObject({
    /** Share of the images of trained classes that may be called unknown. */
    refusals: z.number(),
    /** Cosine similarity to the nearest training image (Sun et al. 2022, arXiv:2204.06507), of those that are `known`. */
    similarity: refusalSchema,
    /** The highest logit, as it is before the temperature (Hendrycks et al. 2022, arXiv:1911.11132). */
    logit: refusalSchema,
    /** The training images that are kept with the evaluation; absent in those of versions before 6, which compared with all and kept none. */
    known: knownImagesSchema.optional(),
  }),
});
export type Calibration = z.infer<typeof calibrationSchema>;
