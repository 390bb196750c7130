import { z } from 'zod';
import { digestSchema, fileEntrySchema } from './artifacts.ts';

/** Where training stands: `step` steps of epoch `epoch + 1` are done; step 0 is the end of epoch `epoch`. */
export const progressPointSchema = z.strictObject({ epoch: z.int().nonnegative(), step: z.int().nonnegative() });
export type ProgressPoint = z.infer<typeof progressPointSchema>;

/** What an epoch gave. Everything here but the rate and duration is a function of the config and the data. */
export const epochMetricsSchema = z.strictObject({
  loss: z.number(),
  learningRate: z.number(),
  imagesPerSecond: z.number(),
  seconds: z.number(),
  /** Of a contrastive training: the loss where every image has the same projection. */
  collapsedLoss: z.number().optional(),
  /** Of a contrastive training: the share of batches in which no two images are of one class. */
  withoutPositives: z.number().optional(),
  /** Where `minimumSteps` made the epoch longer than the images do: how often it went through as many as all of them. */
  passes: z.number().optional(),
});
export type EpochMetrics = z.infer<typeof epochMetricsSchema>;

/**
 * The manifest of a checkpoint. `digest` is the SHA-256 of the state file, which holds all state of the training in
 * canonical order, so it is the digest of the whole training state.
 */
export const checkpointManifestSchema = z.strictObject({
  format: z.literal('contrail-checkpoint/1'),
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  digest: digestSchema,
  /** SHA-256 of the canonical JSON of `config`. */
  configHash: digestSchema,
  /** The training config and data set that the state belongs to. */
  config: z.record(z.string(), z.json()),
  /** The fencing token of the lease it was written under. */
  token: z.int().positive(),
  state: fileEntrySchema,
  /** Metrics of the finished epoch; null for a checkpoint within an epoch. */
  metrics: epochMetricsSchema.nullable(),
  /** The epoch with the lowest loss so far. */
  best: z.strictObject({ epoch: z.int().positive(), loss: z.number() }).nullable(),
  createdAt: z.iso.datetime(),
});
export type CheckpointManifest = z.infer<typeof checkpointManifestSchema>;

/**
 * What stands in the place of a manifest that never came: whoever took the training over wrote it, so that the attempt which was
 * overtaken cannot finish the checkpoint any more.
 */
export const givenUpCheckpointSchema = z.strictObject({
  format: z.literal('contrail-checkpoint-given-up/1'),
  /** Who took the training over, and its fencing token. */
  owner: z.string(),
  token: z.int().positive(),
});
export type GivenUpCheckpoint = z.infer<typeof givenUpCheckpointSchema>;

/** A checkpoint that could not be used, and why. */
export const rejectedCheckpointSchema = z.strictObject({ name: z.string(), reason: z.string() });
export type RejectedCheckpoint = z.infer<typeof rejectedCheckpointSchema>;
