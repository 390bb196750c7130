import { z } from 'zod';
import { leaksPolicySchema } from '../leaks.ts';
import { weakestClassSchema } from '../weakest-class.ts';
import { artifactOf, type StepKind, seesTestAlways } from './kind.ts';

export const evaluateParameters = z.strictObject({
  neighbours: z
    .array(z.int().min(1).max(1000))
    .min(1)
    .max(5)
    .default([20])
    .describe('k of the nearest-neighbour accuracies'),
  leaks: leaksPolicySchema
    .default('leave-out')
    .describe(
      'what becomes of test images that show what a training image shows: left out of the measures, or kept; what is measured with and without them is said either way',
    ),
  refusals: z
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe(
      'share of images of trained classes that may be called unknown; validation images choose the threshold. Absent: 0.05',
    ),
});

export const evaluateResult = z.strictObject({
  evaluation: artifactOf('evaluation'),
  top1: z
    .number()
    .nullable()
    .describe('accuracy on the test images that do not leak, or on all with `leaks: keep`; null where none is left'),
  top5: z
    .number()
    .nullable()
    .describe('share of them whose class is among the five most probable; null for at most five classes'),
  macroF1: z.number().nullable().describe('mean over the classes that occur, as truth or as prediction'),
  weakest: weakestClassSchema
    .optional()
    .describe('the class of which the smallest share of the images is recognised; absent where nothing is measured'),
  knn: z.number().nullable().describe('accuracy of the first k of `neighbours`'),
  allTop1: z.number().describe('accuracy on all test images'),
  cleanTop1: z
    .number()
    .nullable()
    .describe('accuracy on those that do not leak; null where none is left, or where nothing tells'),
  copies: z
    .int()
    .nullable()
    .describe('test images that are exact copies of training images; null where the data set does not tell'),
  nearLeaks: z
    .int()
    .nullable()
    .describe('other test images that are near duplicates of training images; null without `inspection`'),
  embeddingLeaks: z
    .int()
    .nullable()
    .describe(
      'other test images that the encoder of the inspection takes for a training image; null where there is none',
    ),
});

export const evaluate = {
  description:
    'Measure the classifier and the embedding on the test images, once, without those that leak; calibrate on validation images',
  version: 6,
  parameters: evaluateParameters,
  result: evaluateResult,
  inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset', inspection: 'inspection' },
  optional: ['inspection'],
  outputs: { evaluation: 'evaluation' },
  measures: 'evaluation',
  seesTest: seesTestAlways,
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
