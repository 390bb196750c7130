import { z } from 'zod';
import { corruptionNameSchema } from '../robustness.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind, seesTestAlways } from './kind.ts';

export const robustnessParameters = z.strictObject({
  corruptions: z.array(corruptionNameSchema).min(1).optional().describe('ways to spoil an image; all where absent'),
  images: z.int().min(1).optional().describe('use at most so many test images, spread evenly over the split'),
  seed: seedSchema.describe('of the corruptions: the same seed spoils the same images in the same way for every model'),
});

export const robustnessResult = z.strictObject({
  robustness: artifactOf('robustness'),
  clean: z.number().describe('accuracy on the test images as they are'),
  mean: z.number().describe('mean accuracy over corruptions and severities'),
});

export const robustness = {
  description: 'Measure the classifier on test images that are spoilt, in eleven ways at five severities',
  version: 1,
  parameters: robustnessParameters,
  result: robustnessResult,
  inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset' },
  outputs: { robustness: 'robustness' },
  measures: 'robustness',
  seesTest: seesTestAlways,
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
