import { z } from 'zod';
import { artifactOf, type StepKind } from './kind.ts';

export const outOfDistributionParams = z.strictObject({
  k: z.int().min(1).max(1000).default(50).describe('which of the nearest training images the distance is taken to'),
  images: z
    .int()
    .min(1)
    .optional()
    .describe('use at most so many test images of either data set, spread evenly over the split'),
});
export type OutOfDistributionParams = z.infer<typeof outOfDistributionParams>;

export const outOfDistributionResult = z.strictObject({
  outliers: artifactOf('outliers'),
  auroc: z
    .strictObject({ nearestNeighbours: z.number(), mahalanobis: z.number(), softmax: z.number() })
    .describe('how well each score tells the known images from the others: 0.5 is chance, 1 perfect'),
});

export const outOfDistribution = {
  description: 'Measure how well images of another data set are told from those of the known classes',
  version: 1,
  params: outOfDistributionParams,
  result: outOfDistributionResult,
  inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset', outside: 'dataset' },
  outputs: { outliers: 'outliers' },
  training: false,
  queue: 'gpu',
} as const satisfies StepKind;
