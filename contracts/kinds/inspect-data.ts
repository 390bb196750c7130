import { z } from 'zod';
import { stepKeySchema } from '../identifiers.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind, seesTestAlways } from './kind.ts';

export const inspectDataParameters = z.strictObject({
  images: z
    .int()
    .min(1)
    .optional()
    .describe('use at most so many images of each split, spread evenly over it; all where absent'),
  folds: z
    .int()
    .min(2)
    .max(20)
    .default(5)
    .describe('parts of the images; a classifier that was fitted to the others says what those of a part show'),
  epochs: z.int().min(1).max(1000).default(20).describe('of each such classifier'),
  hashDistance: z
    .int()
    .min(0)
    .max(11)
    .default(10)
    .describe('of 64 bits of a perceptual hash, in how many two near duplicates may differ'),
  correlation: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.99)
    .describe('how much the pixels of two near duplicates must correlate'),
  cosine: z
    .number()
    .min(0)
    .max(1)
    .default(0.99)
    .describe('from which cosine of their embeddings two images are duplicates, where an encoder is given'),
  neighbours: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('an outlier is far from this one of the nearest images of its class'),
  training: stepKeySchema
    .optional()
    .describe(
      'a training, such as `${steps.pretrain.result.trained}`: wrong labels of training images are looked for by the loss of its kept checkpoints too',
    ),
  listed: z.int().min(1).max(5000).default(200).describe('most images or pairs of a kind that are listed'),
  seed: seedSchema.describe('of the folds and their classifiers'),
});

export const inspectDataResult = z.strictObject({
  inspection: artifactOf('inspection'),
  images: z.int().describe('that were looked at, of all splits'),
  copies: z.int().describe('images whose pixels another image has too'),
  nearDuplicates: z.int().describe('other images that show what another shows: resized, compressed anew, brighter'),
  sameEmbedding: z
    .int()
    .nullable()
    .describe('other images that the encoder takes for another; null where no encoder is given'),
  leaks: z.int().describe('images that are not trained on and have a duplicate of any kind among those that are'),
  labelSuspects: z.int().describe('images whose label is probably wrong by the classifiers of the folds'),
  lossSuspects: z
    .int()
    .optional()
    .describe(
      'training images whose label is probably wrong by the loss of kept checkpoints; where `training` is given',
    ),
  bothSuspects: z.int().optional().describe('images that are suspected both ways; where `training` is given'),
  outliers: z.int().describe('images far from all others of their class'),
  alikeClasses: z.int().describe('pairs of classes that may be one'),
  largestToSmallest: z
    .number()
    .nullable()
    .describe('training images of the largest trained class for one of the smallest; null where such a class has none'),
});

export const inspectData = {
  description:
    'Look for duplicates, leaks between splits, wrong labels, outliers and classes that are one, by the images or by an encoder; nothing is removed',
  version: 2,
  parameters: inspectDataParameters,
  result: inspectDataResult,
  inputs: { dataset: 'dataset', encoder: 'encoder' },
  optional: ['encoder'],
  outputs: { inspection: 'inspection' },
  measures: 'inspection',
  seesTest: seesTestAlways,
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
