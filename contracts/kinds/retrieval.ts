import { z } from 'zod';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const retrievalParameters = z.strictObject({
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
  seed: seedSchema.describe('of the intervals'),
});

export const retrievalResult = z.strictObject({
  retrieval: artifactOf('retrieval'),
  queries: z.int().describe('test images whose class has another test image'),
  recallAt1: z
    .number()
    .nullable()
    .describe('share of them whose nearest test image is of their class; null where there are none'),
  low: z.number().nullable().describe('where its 95 % interval begins'),
  high: z.number().nullable().describe('where it ends'),
  mapAtR: z
    .number()
    .nullable()
    .describe('mean average precision over the R nearest, where R is how many others the class has'),
  equalErrorRate: z
    .number()
    .nullable()
    .describe(
      'share of wrong decisions whether two test images are of one class, where both kinds of error are as common',
    ),
});

export const retrieval = {
  description:
    'Search all test images for those like each of them, without a classifier; also for classes that were never trained on',
  version: 1,
  parameters: retrievalParameters,
  result: retrievalResult,
  inputs: { encoder: 'encoder', dataset: 'dataset' },
  outputs: { retrieval: 'retrieval' },
  measures: 'retrieval',
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
