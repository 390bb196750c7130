import { z } from 'zod';

/** Scores that tell images of the known classes from others; higher means more likely known. */
export const detectorNames = ['nearest-neighbours', 'mahalanobis', 'softmax'] as const;
export type DetectorName = (typeof detectorNames)[number];

/** outliers.json: how well images of another data set are told from the test images. */
export const outliersSchema = z.strictObject({
  /** The data set whose test images are known, and the one whose test images are not. */
  dataset: z.string(),
  outside: z.string(),
  images: z.strictObject({ known: z.int(), outside: z.int() }),
  detectors: z.array(
    z.strictObject({
      name: z.enum(detectorNames),
      /** Area under the ROC curve with the known images as positives; ties count half. */
      auroc: z.number(),
      /** Share of foreign images that pass where 95 % of the known ones do. */
      falsePositivesAt95: z.number(),
      /** The ROC curve, thinned to at most 201 points, from (0, 0) to (1, 1). */
      roc: z.array(z.strictObject({ falsePositives: z.number(), truePositives: z.number() })),
    }),
  ),
});
export type Outliers = z.infer<typeof outliersSchema>;
export const outliersFile = 'outliers.json';
