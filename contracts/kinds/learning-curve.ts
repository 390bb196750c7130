import { z } from 'zod';
import { stepKeySchema } from '../identifiers.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const learningCurveParameters = z.strictObject({
  training: stepKeySchema.describe('the training, such as `${steps.pretrain.result.trained}`'),
  every: z.int().min(1).optional().describe('only epochs that are a multiple of it; by default all that are kept'),
  images: z
    .int()
    .min(2)
    .default(10_000)
    .describe('training images that probe and nearest neighbours are given, spread evenly over the split'),
  neighbours: z.int().min(1).max(1000).default(20).describe('k of the nearest-neighbour accuracy'),
  seed: seedSchema.describe('of the order in which the probe sees the images'),
});

export const learningCurveResult = z.strictObject({
  curve: artifactOf('curve'),
  epochs: z.int().describe('how many were measured'),
  probe: z.number().describe('accuracy of the probe on the validation images after the last of them'),
  knn: z.number().describe('accuracy of nearest neighbours there'),
});

export const learningCurve = {
  description: 'Measure the frozen encoder after each epoch whose checkpoint is kept, on the validation images',
  version: 2,
  parameters: learningCurveParameters,
  result: learningCurveResult,
  inputs: { dataset: 'dataset' },
  outputs: { curve: 'curve' },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
