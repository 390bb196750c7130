import { z } from 'zod';
import { digestSchema } from '../artifacts.ts';
import { checkBalanced } from '../balanced.ts';
import { checkFreeze } from '../encoder-stages.ts';
import { watchSettings } from '../health.ts';
import { stepKeySchema } from '../identifiers.ts';
import { checkpointSchema, classifierConfigSchema, dataSchema, replicasSchema } from '../training.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const trainClassifierParameters = classifierConfigSchema
  .extend({
    checkpoint: checkpointSchema.prefault({}),
    data: dataSchema.prefault({}),
    replicas: replicasSchema.optional(),
    ...watchSettings,
  })
  .superRefine(checkFreeze)
  .superRefine(checkBalanced(false));

export const trainClassifierResult = z.strictObject({
  encoder: artifactOf('encoder'),
  classifier: artifactOf('classifier'),
  epochs: z.int(),
  loss: z.number().describe('mean cross-entropy of the last epoch'),
  bestLoss: z.number(),
  digest: digestSchema.describe('SHA-256 of the whole training state after the last epoch'),
  trained: stepKeySchema.optional().describe('the run and step that hold its checkpoints'),
});

export const trainClassifier = {
  description: 'Train encoder and classifier together with cross-entropy, one checkpoint an epoch',
  version: 2,
  parameters: trainClassifierParameters,
  result: trainClassifierResult,
  inputs: { dataset: 'dataset' },
  outputs: { encoder: 'encoder', classifier: 'classifier' },
  runs: 'training',
  queue: 'gpu',
} as const satisfies StepKind;
