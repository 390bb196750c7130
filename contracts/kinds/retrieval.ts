import { z } from 'zod';
import { isMapping } from '../json.ts';
import { leaksPolicySchema } from '../leaks.ts';
import { selectionSchema } from '../retrieval.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, hasTest, type StepKind } from './kind.ts';

export const retrievalParameters = z.strictObject({
  query: selectionSchema
    .optional()
    .describe(
      'the images that are searched for; where absent those of unseenTest, or of test where no class is held out',
    ),
  gallery: selectionSchema
    .optional()
    .describe('the images that are searched; where absent those of `query`, each among all the others'),
  of: z
    .enum(['embedding', 'projection'])
    .optional()
    .describe(
      'what images are compared by: what the encoder gives, or what the projection head that it was trained behind makes of that; absent: embedding',
    ),
  k: z
    .array(z.int().min(1).max(1000))
    .min(1)
    .max(10)
    .default([1, 5, 10])
    .describe('k of the recalls: how often one of the same class is among the k nearest'),
  falseAccepts: z
    .number()
    .min(0.000001)
    .max(0.5)
    .default(0.01)
    .describe(
      'share of pairs of different classes that may be taken for one class; validation images choose the threshold',
    ),
  refusals: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .describe('share of images of trained classes that may be called unknown; validation images choose the threshold'),
  leaks: leaksPolicySchema
    .default('leave-out')
    .describe(
      'what becomes of queries that show what a training image shows, or whose exact copy is in the gallery: left out of the measures, or kept; what is measured with and without them is said either way',
    ),
  seed: seedSchema.describe('of the intervals'),
});

export const retrievalResult = z.strictObject({
  retrieval: artifactOf('retrieval'),
  queries: z
    .int()
    .describe(
      'images that are searched for: their class has another image in the gallery, and they do not leak, unless these are kept',
    ),
  lone: z.int().describe('images whose class has no other in the gallery, which are left out'),
  recallAt1: z
    .number()
    .nullable()
    .describe('share of the queries whose nearest image is of their class; null where there are none'),
  low: z.number().nullable().describe('where its 95 % interval begins'),
  high: z.number().nullable().describe('where it ends'),
  mapAtR: z
    .number()
    .nullable()
    .describe('mean average precision over the R nearest, where R is how many others the class has'),
  allRecallAt1: z.number().nullable().describe('recallAt1 of all queries, also of those that leak'),
  cleanRecallAt1: z
    .number()
    .nullable()
    .describe('recallAt1 of those that do not; null where none is left, or where nothing tells'),
  copies: z
    .int()
    .nullable()
    .describe(
      'queries that are exact copies of an image of the gallery or of a training image; null where the data set does not tell',
    ),
  nearLeaks: z
    .int()
    .nullable()
    .describe('other queries that are near duplicates of training images; null without `inspection`'),
  embeddingLeaks: z
    .int()
    .nullable()
    .describe('other queries that the encoder of the inspection takes for a training image; null where there is none'),
  equalErrorRate: z
    .number()
    .nullable()
    .describe('share of wrong decisions whether two images are of one class, where both kinds of error are as common'),
  unknownAuroc: z
    .number()
    .nullable()
    .describe(
      'chance that a test image of a trained class has a nearer training image than one of an unseen class; null where no class is held out',
    ),
  unseenRefused: z
    .number()
    .nullable()
    .describe('share of the unseen test images that are called unknown, by the threshold that `refusals` chose'),
});

export const retrieval = {
  description:
    'Search images for those like each of them, without a classifier; also for classes that were never trained on',
  version: 3,
  parameters: retrievalParameters,
  result: retrievalResult,
  inputs: { encoder: 'encoder', dataset: 'dataset', inspection: 'inspection' },
  optional: ['inspection'],
  outputs: { retrieval: 'retrieval' },
  measures: 'retrieval',
  seesTest: {
    // Images are searched among those of `query` where no others are named.
    when: ({ query, gallery = query }) => [query, gallery].some((each) => !isMapping(each) || hasTest([each.split])),
    instead: 'search validation images: query: { split: validation }',
  },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
