import { z } from 'zod';
import { metricNameSchema, modelNameSchema } from '../models.ts';
import type { StepKind } from './kind.ts';

export const promoteParams = z.strictObject({
  model: modelNameSchema.describe('the name under which models replace each other'),
  metric: metricNameSchema.default('top1').describe('what decides, higher is better'),
  margin: z.number().min(0).max(1).default(0).describe('by how much the new model must be better than the current one'),
  force: z.boolean().default(false).describe('promote whatever the comparison says'),
});
export type PromoteParams = z.infer<typeof promoteParams>;

export const promoteResult = z.strictObject({
  promoted: z.boolean(),
  version: z.int().positive().nullable().describe('the version that is current now; null where the name has none'),
  reason: z.string(),
  before: z.number().nullable().describe('the metric of the model that was current, on the same test set'),
  after: z.number().nullable().describe('the metric of the new model; null where it was not measured'),
});

export const promote = {
  description: 'Make an evaluated model the current one of its name, if it is better on the same test set',
  version: 2,
  params: promoteParams,
  result: promoteResult,
  inputs: { evaluation: 'evaluation' },
  outputs: {},
  training: false,
  queue: 'gpu',
  effect: true,
} as const satisfies StepKind;
