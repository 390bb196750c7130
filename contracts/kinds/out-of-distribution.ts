import { z } from 'zod';
import { artifactOf, type StepKind, seesTestAlways } from './kind.ts';

export const outOfDistributionParameters = z.strictObject({
  k: z.int().min(1).max(1000).default(50).describe('which of the nearest training images the distance is taken to'),
  images: z
    .int()
    .min(1)
    .optional()
    .describe('use at most so many test images of either data set, spread evenly over the split'),
});

export const outOfDistributionResult = z.strictObject({
  outliers: artifactOf('outliers'),
  auroc: z
    .number()
    .describe(
      'how well the distance to the nearest training images tells known images from others: 0.5 is chance, 1 perfect',
    ),
  mahalanobisAuroc: z.number().describe('the same by the Mahalanobis distance to the nearest class'),
  softmaxAuroc: z.number().describe("the same by the classifier's confidence"),
});

export const outOfDistribution = {
  description: 'Measure how well images of another data set are told from those of the known classes',
  version: 1,
  parameters: outOfDistributionParameters,
  result: outOfDistributionResult,
  inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset', outside: 'dataset' },
  outputs: { outliers: 'outliers' },
  measures: 'outliers',
  seesTest: seesTestAlways,
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
