import { z } from 'zod';
import { initialWeightsSchema, weightNames } from '../initial-weights.ts';
import { normaliseSchema } from '../normalise.ts';
import { encoderSetting } from '../training.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const loadEncoderParameters = z.strictObject({
  encoder: encoderSetting,
  weights: initialWeightsSchema.describe('the weights of the encoder'),
  normalise: normaliseSchema
    .default('imagenet')
    .describe(
      'what is subtracted from pixels between 0 and 1, and what that is divided by: what the weights were trained with',
    ),
});
export type LoadEncoderParameters = z.infer<typeof loadEncoderParameters>;

export const loadEncoderResult = z.strictObject({
  encoder: artifactOf('encoder'),
  dimension: z.int().describe('length of an embedding'),
  names: z.enum(weightNames).describe('whose names the file uses'),
});

export const loadEncoder = {
  description: 'Take an encoder with weights from elsewhere as it is, for images of the size of a data set',
  version: 1,
  parameters: loadEncoderParameters,
  result: loadEncoderResult,
  inputs: { dataset: 'dataset' },
  outputs: { encoder: 'encoder' },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
