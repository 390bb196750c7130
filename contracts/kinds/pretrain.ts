import { z } from 'zod';
import { digestSchema } from '../artifacts.ts';
import { checkBalanced } from '../balanced.ts';
import { checkFreeze } from '../encoder-stages.ts';
import { watchSettings } from '../health.ts';
import { stepKeySchema } from '../identifiers.ts';
import { pretrainRecipes } from '../recipes.ts';
import { checkpointSchema, dataSchema, replicasSchema, trainingConfigSchema } from '../training.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const pretrainParameters = trainingConfigSchema
  .extend({
    checkpoint: checkpointSchema.prefault({}),
    data: dataSchema.prefault({}),
    replicas: replicasSchema.optional(),
    ...watchSettings,
  })
  .superRefine(checkFreeze)
  .superRefine(checkBalanced(false));
export type PretrainParameters = z.infer<typeof pretrainParameters>;

export const pretrainResult = z.strictObject({
  encoder: artifactOf('encoder'),
  epochs: z.int().describe('how many were trained'),
  loss: z.number().describe('mean loss of the last epoch'),
  bestLoss: z.number().describe('the lowest of an epoch'),
  digest: digestSchema.describe('SHA-256 of the whole training state after the last epoch'),
  trained: stepKeySchema.optional().describe('the run and step that hold its checkpoints'),
});

export const pretrain = {
  description:
    'Train an encoder by supervised contrastive learning, or by a loss to compare it with, one checkpoint an epoch',
  version: 2,
  parameters: pretrainParameters,
  recipes: pretrainRecipes,
  result: pretrainResult,
  inputs: { dataset: 'dataset' },
  outputs: { encoder: 'encoder' },
  runs: 'training',
  queue: 'gpu',
} as const satisfies StepKind;
