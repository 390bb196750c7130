import { z } from 'zod';
import { minimumLearningRate } from '../optimizer.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const linearProbeParameters = z.strictObject({
  epochs: z.int().min(1).max(10_000).default(100),
  batch: z.int().min(1).max(65536).default(256),
  learningRates: z
    .array(z.number().min(minimumLearningRate).max(1e6))
    .min(1)
    .max(20)
    .default([0.1, 0.01, 0.001])
    .describe('Adam; the best on validation is kept'),
  weightDecay: z.number().min(0).max(1).default(0),
  seed: seedSchema,
});

export const linearProbeResult = z.strictObject({
  classifier: artifactOf('classifier'),
  validationTop1: z
    .number()
    .nullable()
    .describe('accuracy on the validation images; null where no validation images were kept'),
  learningRate: z.number().describe('the one that was kept'),
});

export const linearProbe = {
  description: 'Train a linear softmax classifier on the frozen encoder',
  version: 2,
  parameters: linearProbeParameters,
  result: linearProbeResult,
  inputs: { encoder: 'encoder', dataset: 'dataset' },
  outputs: { classifier: 'classifier' },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
