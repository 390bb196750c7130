import { z } from 'zod';

/**
 * One measure of two arms, over runs that differ in their seed alone: of each run of arm a and the run of arm b with the
 * same seed, the difference a - b; of these the mean and its 95 % confidence interval by Student's t.
 */
export const measureComparisonSchema = z.strictObject({
  measure: z.string(),
  /** Whether more is better. */
  goal: z.enum(['higher', 'lower']),
  a: z.strictObject({ values: z.array(z.number()), mean: z.number(), deviation: z.number().nullable() }),
  b: z.strictObject({ values: z.array(z.number()), mean: z.number(), deviation: z.number().nullable() }),
  difference: z.strictObject({
    mean: z.number(),
    /** Null where there are fewer than two pairs. */
    interval: z.tuple([z.number(), z.number()]).nullable(),
  }),
  /** `none shown` where the interval covers 0 or there is none. */
  verdict: z.enum(['a is better', 'b is better', 'none shown']),
});
export type MeasureComparison = z.infer<typeof measureComparisonSchema>;

/** comparison.json */
export const comparisonSchema = z.strictObject({
  dataset: z.string(),
  a: z.string(),
  b: z.string(),
  pairs: z.int().positive(),
  /** Accuracy, F1, calibration, geometry, robustness, outliers, epochs to a target: what both arms have. */
  measures: z.array(measureComparisonSchema).min(1),
  /** F1 of each class. */
  classes: z.array(measureComparisonSchema),
  /**
   * Mean corruption error (arXiv:1903.12261) of each arm with arm b as the reference, so that of b is 1, and the relative
   * one, of what an arm loses beyond its clean error. Means over the pairs. Null where robustness was not measured.
   */
  corruption: z
    .strictObject({
      a: z.strictObject({ mCE: z.number(), relative: z.number().nullable() }),
      b: z.strictObject({ mCE: z.number(), relative: z.number().nullable() }),
    })
    .nullable(),
  /** What could not be compared, and why: sentences. */
  notes: z.array(z.string()).optional(),
});
export type Comparison = z.infer<typeof comparisonSchema>;
export const comparisonFile = 'comparison.json';
