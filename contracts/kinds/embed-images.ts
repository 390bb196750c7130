import { z } from 'zod';
import { splitNameSchema } from '../artifacts.ts';
import { artifactOf, hasTest, type StepKind } from './kind.ts';
import { placeSchema, tableColumnsSchema } from './prepare-data.ts';

const { image, label, group, category } = tableColumnsSchema.shape;

export const imagesToEmbedSchema = z.strictObject({
  path: placeSchema.describe(
    'a folder of any layout, or a table (.csv, .tsv, .jsonl, .parquet) with a row for each image, on the machines of the workers',
  ),
  columns: z
    .strictObject({
      image,
      label: label.removeDefault().optional().describe('the class; `label` where the table has it'),
      group,
      category,
    })
    .optional()
    .describe('what the columns of a table are called, where not as here'),
  allowUrls: z
    .boolean()
    .optional()
    .describe('let the worker fetch images of a table that are http: or https: URLs, each once; off where absent'),
  labels: z
    .enum(['folder', 'none'])
    .optional()
    .describe(
      'of a folder: whether the folder that an image lies in is its class; absent: it is, where every file lies in one of two folders or more, or in such folders below train, validation and test',
    ),
});
export type ImagesToEmbed = z.infer<typeof imagesToEmbedSchema>;

export const embedImagesParameters = z
  .strictObject({
    images: imagesToEmbedSchema.optional().describe('images that belong to no data set'),
    splits: z
      .array(splitNameSchema)
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'must name each split once')
      .optional()
      .describe('splits of a data set, in place of `images`'),
    shardImages: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('images of one shard, which is what a kill costs at most; more where there would be over 1,000 shards'),
    atOnce: z
      .int()
      .min(1)
      .max(256)
      .default(4)
      .describe('shards that are handed out at a time, to whichever workers serve the queue'),
    pictures: z.boolean().default(true).describe('keep a small picture of each image, to show people'),
    maximumRejected: z
      .int()
      .min(0)
      .optional()
      .describe('how many unusable files to skip before giving up; absent: any number, but not all'),
    allowEmpty: z
      .boolean()
      .optional()
      .describe(
        'go on with no image where the folder or table has none, as the photos of a quiet week; else that fails',
      ),
    allowLost: z
      .boolean()
      .optional()
      .describe(
        'of `splits`: leave out, as rejected, images whose files were removed because an image was forgotten, be it all; else that fails',
      ),
  })
  .refine(({ images, splits }) => (images === undefined) !== (splits === undefined), {
    message: 'must have either `images`, a folder or table, or `splits` of a data set',
  })
  .refine(({ allowLost, splits }) => allowLost === undefined || splits !== undefined, {
    path: ['allowLost'],
    message: 'is of `splits` of a data set: `images` lose none',
  });
export type EmbedImagesParameters = z.infer<typeof embedImagesParameters>;

export const embedImagesResult = z.strictObject({
  vectors: artifactOf('vectors'),
  images: z.int().describe('how many were embedded'),
  dimension: z.int().describe('length of an embedding'),
  shards: z.int().describe('files that the embeddings are in'),
  found: z.int().describe('files, rows of the table, or images of the splits: those embedded, rejected and ignored'),
  rejected: z.int().describe('files that could not be used'),
  ignored: z.int().describe('files that programs leave behind, such as Thumbs.db'),
  labels: z.enum(['folder', 'table', 'dataset', 'none']).describe('where the classes of the images come from'),
  reasons: z
    .array(z.strictObject({ reason: z.string(), count: z.int(), first: z.array(z.string()) }))
    .describe('why files were rejected: the most frequent reasons, and the first files of each'),
});
export type EmbedImagesResult = z.infer<typeof embedImagesResult>;

export const embedImages = {
  description: 'Embed any number of images, from a folder, a table or a data set, shard by shard',
  version: 1,
  parameters: embedImagesParameters,
  result: embedImagesResult,
  inputs: { encoder: 'encoder' },
  otherInputs: {
    where: '`splits` are named',
    holds: ({ splits }) => splits !== undefined && splits !== null,
    inputs: { encoder: 'encoder', dataset: 'dataset' },
  },
  outputs: { vectors: 'vectors' },
  seesTest: {
    when: ({ splits }) => splits !== undefined && hasTest(splits),
    instead: 'name its splits: [train, validation]',
  },
  runs: 'shards',
  queue: 'gpu',
} as const satisfies StepKind;
