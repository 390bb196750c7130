import { z } from 'zod';
import { driftVerdicts } from '../drift.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const driftParameters = z.strictObject({
  falseAlarms: z
    .number()
    .min(0.002)
    .max(0.2)
    .default(0.01)
    .describe('how often unchanged images may be called drifted, by all tests together'),
  least: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe(
      'smaller differences are no drift, however certain: of shares of images, of distribution functions, and of embeddings in their own deviations',
    ),
  refusals: z
    .number()
    .min(0.005)
    .max(0.5)
    .default(0.05)
    .describe('share of held-out known images that the threshold calls unknown'),
  minimum: z
    .int()
    .min(20)
    .max(1000)
    .default(20)
    .describe('with fewer recent images, or fewer held-out ones, there is no verdict'),
  sample: z
    .int()
    .min(50)
    .max(2000)
    .default(1000)
    .describe('images of either side that are compared at most; drawn, one of each group'),
  seed: seedSchema.describe('of what is drawn'),
});

export const driftResult = z.strictObject({
  drift: artifactOf('drift'),
  drifted: z.boolean().describe('for `when`; false also where there are too few images to say'),
  verdict: z.enum(driftVerdicts),
  why: z.string().describe('in sentences'),
  images: z.int().describe('recent images, without those that the reference or the training has too'),
  unknown: z.number().nullable().describe('share of them that is like no known image; null with too few images'),
  expectedUnknown: z
    .number()
    .nullable()
    .describe('the same of held-out images: `refusals`, rounded down to whole images'),
  clusters: z.int().describe('kinds of images that are new and like each other'),
});

export const drift = {
  description:
    'Compare recent images with held-out ones of the training data: whether the model has gone stale, why, and pictures of what is new',
  version: 1,
  parameters: driftParameters,
  result: driftResult,
  inputs: { recent: 'vectors', reference: 'vectors', classifier: 'classifier' },
  optional: ['classifier'],
  outputs: { drift: 'drift' },
  measures: 'drift',
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
