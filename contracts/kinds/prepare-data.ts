import { z } from 'zod';
import { digestSchema, labelNamesSchema, splitCountsSchema } from '../artifacts.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

/** A folder or file on the worker's machine. A URL is told so and not repeated, since it may hold a secret. */
export const placeSchema = z
  .string()
  .min(1)
  .regex(/^(?![a-z][a-z0-9+.-]+:\/\/)/i, 'must be a path, not a URL: fetch the file first');

const columnSchema = z.string().min(1).max(300);
const optionalColumnSchema = z.union([columnSchema, z.literal(false)]).optional();

/** The columns of a table. */
export const tableColumnsSchema = z.strictObject({
  image: columnSchema.default('image').describe('path from the folder of the table, or URL'),
  label: columnSchema.default('label'),
  group: optionalColumnSchema.describe(
    'what is one thing in several images, such as the number of a product; `group` where the table has it, `false` for none',
  ),
  category: optionalColumnSchema.describe(
    'what kind of thing it is; `category` where the table has it, `false` for none',
  ),
  split: optionalColumnSchema.describe(
    'train, validation or test; `split` where the table has it, `false` for none; rows without one are in train',
  ),
  labels: labelNamesSchema
    .optional()
    .describe(
      '1 to 8 columns of further labels, such as `[colour, type]`, for `loss.supcon.positives` of pretrain; a cell may be empty, and measures go by `label` alone',
    ),
});

const shareSchema = z.number().min(0).max(0.9).optional();

/** What is kept together when a data set is split. */
const splitParameters = z
  .strictObject({
    by: z
      .enum(['random', 'group', 'class'])
      .default('random')
      .describe(
        'random: each image by itself; group: all images of a group on one side; class: whole classes are never trained on, and are the splits unseenValidation and unseenTest, while the images of the other classes are split by the `validation` and `test` of the step',
      ),
    validation: shareSchema.describe(
      'share of the images, groups or classes kept for choosing; `validation` where absent',
    ),
    test: shareSchema.describe('share of them kept for the test; `test` where absent'),
    seed: seedSchema.removeDefault().optional().describe('of what is drawn; `seed` where absent'),
  })
  .describe('what is kept together; each image, group or class goes by the hash of itself and the seed');

export const prepareDataParameters = z.strictObject({
  dataset: z
    .enum(['fashion-mnist', 'mnist', 'cifar10', 'image-folder', 'table', 'generated'])
    .describe('where the images come from'),
  path: placeSchema
    .optional()
    .describe(
      'the folder that holds the files: needed for cifar10 and image-folder, found by itself for fashion-mnist and mnist; of a table its file (.csv, .tsv, .jsonl, .parquet)',
    ),
  columns: tableColumnsSchema.optional().describe('what the columns of a table are called, where not as here'),
  allowUrls: z
    .boolean()
    .optional()
    .describe('let the worker fetch images of a table that are http: or https: URLs, each once; off where absent'),
  relabels: placeSchema
    .optional()
    .describe(
      'a table with the columns `image` and `label` that corrects labels of an image-folder or a table; the label `-` leaves an image out',
    ),
  from: artifactOf('files')
    .optional()
    .describe(
      'a folder that an earlier step made, in place of `path`: `${steps.<id>.result.<output>}`; of a table, `path` is then the file in it',
    ),
  validation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe(
      'fraction of the training images kept for choosing; an image is among them by the hash of its bytes and the seed, so each class gives about so many',
    ),
  test: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.2)
    .describe('fraction kept for the test where the source has no test set of its own, chosen likewise'),
  split: splitParameters.optional(),
  limit: z
    .strictObject({ train: z.int().min(2).optional(), test: z.int().min(1).optional() })
    .prefault({})
    .describe('use at most so many images, evenly over the classes'),
  size: z.int().min(8).max(512).default(32).describe('side, in pixels, of the squares that steps train and measure on'),
  fit: z
    .enum(['pad', 'resize', 'crop'])
    .default('pad')
    .describe(
      'how an image becomes a square: `pad` shrinks it until it fits and puts it on the background, `crop` scales it until the square is full and keeps the middle, `resize` scales both sides',
    ),
  background: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as "#ffffff"')
    .optional()
    .describe(
      'colour behind transparent parts and around padded images, as `"#rrggbb"`; absent: white behind, black around',
    ),
  encoding: z
    .strictObject({
      format: z.enum(['jpeg', 'webp']).default('jpeg'),
      quality: z.int().min(50).max(100).default(90),
      margin: z
        .number()
        .min(1)
        .max(2)
        .default(1.14)
        .describe('side of the images that are kept, as a multiple of `size`, so that random crops have room'),
    })
    .optional()
    .describe(
      'keep images encoded; absent: pixels as they are up to `size: 64`, and for larger ones JPEG at its defaults',
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe(
      'turn every image grey (1, by its luma) or coloured (3, by three equal channels); where absent, as the source is, or coloured if images are kept encoded',
    ),
  maximumRejected: z.int().min(0).default(10).describe('how many unusable files to skip before giving up'),
  seed: seedSchema.describe('of the splits'),
  generated: z
    .strictObject({
      classes: z.int().min(2).max(100).default(4),
      images: z.int().min(8).max(100_000).default(512),
      channels: z.union([z.literal(1), z.literal(3)]).default(1),
    })
    .optional()
    .describe('the size of a generated data set'),
});
export type PrepareDataParameters = z.infer<typeof prepareDataParameters>;

/** What of this concerns images wherever they come from: how they are brought to one form, and divided. */
export const preparationParameters = prepareDataParameters.pick({
  validation: true,
  test: true,
  split: true,
  size: true,
  fit: true,
  background: true,
  encoding: true,
  channels: true,
  maximumRejected: true,
  seed: true,
});

const text = z.string().max(400);

/** What a person should know of a prepared data set; its size is bounded, whatever is in the folder. */
export const dataSummarySchema = z.strictObject({
  files: z
    .strictObject({ found: z.int(), used: z.int(), leftOut: z.int(), rejected: z.int(), ignored: z.int() })
    .optional()
    .describe('of a folder its files, of a table its rows: found = used + left out + rejected + ignored'),
  table: z
    .strictObject({ file: z.string().max(5000), sha256: digestSchema })
    .optional()
    .describe('that was read'),
  relabels: z
    .strictObject({
      file: z.string().max(5000),
      sha256: digestSchema,
      changed: z.int().describe('images that have another label than they had'),
      dropped: z.int().describe('images that are left out'),
    })
    .optional()
    .describe('the corrections that were applied'),
  ignored: z
    .record(z.string(), z.int())
    .optional()
    .describe('files that programs leave behind (.DS_Store, Thumbs.db, …), by program'),
  reasons: z
    .array(z.strictObject({ reason: text, count: z.int(), first: z.array(text) }))
    .max(12)
    .optional()
    .describe('why files were rejected, how many, and the first of them'),
  incomplete: z
    .array(z.strictObject({ class: text, found: z.int(), used: z.int(), rejected: z.int() }))
    .max(10)
    .optional()
    .describe('classes with rejected files, the most first'),
  folder: z.string().max(5000).optional().describe('that was read, links resolved'),
  list: z.string().optional().describe('file that says of every file what became of it'),
  warnings: z.array(text).max(20).describe('what may make a training or a measure other than expected'),
  copies: z
    .array(
      z.strictObject({
        split: z.string(),
        alsoIn: z.string(),
        images: z.int(),
        sameBytes: z.int(),
        first: z.array(z.strictObject({ image: text, copyOf: text })),
      }),
    )
    .describe('exact copies of images between splits'),
});
export type DataSummary = z.infer<typeof dataSummarySchema>;

export const prepareDataResult = z.strictObject({
  dataset: artifactOf('dataset'),
  name: z.string().describe('of the data set'),
  classes: z.int(),
  trainedClasses: z.int().optional().describe('of them trained on; absent where all are'),
  counts: splitCountsSchema.describe('images of each split'),
  rejected: z.int().describe('unusable files that were skipped'),
  ...dataSummarySchema.partial().shape,
});

export const prepareData = {
  description: 'Read a data set, check every image, split it, and store it',
  // A program's folder of images becomes a data set by the same code: the version of `run` is raised with this one.
  version: 5,
  parameters: prepareDataParameters,
  result: prepareDataResult,
  inputs: {},
  outputs: { dataset: 'dataset' },
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
