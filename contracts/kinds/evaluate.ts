import { z } from 'zod';
import { artifactOf, type StepKind } from './kind.ts';

export const evaluateParameters = z.strictObject({
  neighbours: z
    .array(z.int().min(1).max(1000))
    .min(1)
    .max(5)
    .default([20])
    .describe('k of the nearest-neighbour accuracies'),
});

export const evaluateResult = z.strictObject({
  evaluation: artifactOf('evaluation'),
  top1: z.number().describe('accuracy on the test images'),
  top5: z
    .number()
    .nullable()
    .describe('share of test images whose class is among the five most probable; null for at most five classes'),
  macroF1: z.number().describe('mean over the classes that occur, as truth or as prediction'),
  knn: z.number().describe('accuracy of the first k of `neighbours`'),
  copies: z
    .int()
    .nullable()
    .describe('test images that are exact copies of training images; null where the data set does not tell'),
  cleanTop1: z.number().nullable().describe('accuracy on the test images without them; null where none is left'),
});

export const evaluate = {
  description: 'Measure the classifier and the embedding on the test images, once',
  version: 3,
  parameters: evaluateParameters,
  result: evaluateResult,
  inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset' },
  outputs: { evaluation: 'evaluation' },
  measures: 'evaluation',
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
