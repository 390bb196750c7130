import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';

/** `about` of a retrieval artifact: the encoder that was measured, and on what. */
export const retrievalAboutSchema = z.object({ encoder: artifactRefSchema, dataset: artifactRefSchema });

/** A mean over queries with its 95 % interval; null where there are no queries, or too few for an interval. */
const estimateSchema = z.strictObject({
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const pairsSchema = z.strictObject({ same: z.int(), different: z.int() });

/** retrieval.json: each test image as a query among all the others. */
export const retrievalSchema = z.strictObject({
  dataset: z.string(),
  /** All test images. */
  images: z.int(),
  /** Those whose class has another test image. The others are in the gallery only. */
  queries: z.int(),
  /** Classes that have queries. */
  classes: z.int(),
  /** Of the intervals. */
  seed: z.int(),
  /** What is drawn anew for the intervals: whole classes, or, where there are few, single queries. */
  resampled: z.enum(['classes', 'queries']),
  /** Share of queries with one of their class among the k nearest; also called CMC@k. */
  recallAt: z.array(estimateSchema.extend({ k: z.int() })),
  rPrecision: estimateSchema,
  mapAtR: estimateSchema,
  ndcg: estimateSchema,
  /** Classes with the lowest recall at 1, the lowest first, at most 100. */
  worst: z.array(z.strictObject({ name: z.string(), queries: z.int(), recallAt1: z.number(), mapAtR: z.number() })),
  /** Two images are taken for one class where their similarity reaches a threshold. */
  verification: z.strictObject({
    pairs: pairsSchema,
    equalErrorRate: z.number().nullable(),
    /** At most 201 points: shares of pairs of different classes, and of one class, that are accepted. */
    roc: z.array(z.strictObject({ falsePositives: z.number(), truePositives: z.number() })),
    /** The threshold that validation images chose for a share of false accepts, and what it does on test images; null without validation pairs. */
    chosen: z
      .strictObject({
        wanted: z.number(),
        validationPairs: pairsSchema,
        threshold: z.number(),
        falseAccepts: z.number().nullable(),
        trueAccepts: z.number().nullable(),
      })
      .nullable(),
  }),
});
export type Retrieval = z.infer<typeof retrievalSchema>;
export const retrievalFile = 'retrieval.json';
