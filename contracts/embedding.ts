import { z } from 'zod';
import { artifactRefSchema, digestSchema, splitNameSchema } from './artifacts.ts';
import { embedImagesResult } from './kinds/embed-images.ts';
import { vectorRowSchema, vectorsAboutSchema } from './vectors.ts';

/** A row of the result before it is embedded: all that is known of its image without looking at it. */
export const knownRowSchema = vectorRowSchema.omit({ brightness: true, contrast: true, saturation: true });
export type KnownRow = z.infer<typeof knownRowSchema>;

/** An image that is to be embedded: a file, or a row of a split. Images of the same content are one. */
export const imageToEmbedSchema = z.strictObject({
  /** Of the first row that shows it, for messages. */
  name: z.string(),
  /** SHA-256 of the file, or of what the row was made from. */
  source: digestSchema,
  from: z.union([
    /** `fetched`: it is in the cache of a worker. */
    z.strictObject({ file: z.string(), bytes: z.int().nonnegative(), fetched: z.boolean().optional() }),
    z.strictObject({ split: splitNameSchema, row: z.int().nonnegative() }),
  ]),
});
export type ImageToEmbed = z.infer<typeof imageToEmbedSchema>;

/** A file or row that cannot be used, and why. */
export const rejectedImageSchema = z.strictObject({ name: z.string(), reason: z.string() });
export type RejectedName = z.infer<typeof rejectedImageSchema>;

/** What is to be embedded, as the step's folder in the store holds it beside the lists of rows and images. */
export const embeddingPlanSchema = z.strictObject({
  format: z.literal('contrail-embedding/1'),
  encoder: artifactRefSchema,
  dataset: artifactRefSchema.optional(),
  of: vectorsAboutSchema.shape.of,
  /** The folder that must be there on a machine that does a shard; absent for a data set. */
  root: z.string().optional(),
  /** Where embeddings of this encoder and form lie that others may take over. */
  place: z.string(),
  /** Rows of the result, as far as their images turn out to be usable, and in how many lists of how many each. */
  rows: z.int().nonnegative(),
  rowLists: z.int().nonnegative(),
  shardImages: z.int().positive(),
  /** Shards of images to be embedded, and their images; the rest is there. */
  shards: z.int().nonnegative(),
  images: z.int().nonnegative(),
  /** Rows that were rejected before any image was embedded. */
  rejected: z.int().nonnegative(),
  ...embedImagesResult.pick({ found: true, ignored: true, labels: true }).shape,
});
export type EmbeddingPlan = z.infer<typeof embeddingPlanSchema>;

/** What became of a shard. */
export const shardOutcomeSchema = z.strictObject({
  /** The file that holds its embeddings; null where no image of it could be used. */
  piece: z.string().nullable(),
  images: z.int().nonnegative(),
  /** By source, since several rows may show one image. */
  rejected: z.array(z.strictObject({ source: digestSchema, reason: z.string() })),
});
export type ShardOutcome = z.infer<typeof shardOutcomeSchema>;

/** How far an embedding is, for people. */
export interface EmbeddingProgress {
  /** Images of finished shards, and of all shards. */
  readonly done: number;
  readonly images: number;
  /** Rows whose images were embedded before. */
  readonly reused: number;
}
