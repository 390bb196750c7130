import { z } from 'zod';
import { isSearchMetric, modelNameSchema, promotionMetricSchema } from '../models.ts';
import type { StepKind } from './kind.ts';

export const promoteParameters = z.strictObject({
  model: modelNameSchema.describe('the name under which models replace each other'),
  metric: promotionMetricSchema
    .default('top1')
    .describe(
      'what decides, higher is better: a measure of an evaluation, or recallAt1 or mapAtR of a retrieval, which takes the place of the evaluation',
    ),
  margin: z.number().min(0).max(1).default(0).describe('by how much the new model must be better than the current one'),
  minimumImages: z
    .int()
    .min(1)
    .default(30)
    .describe('where test images were used to train one of the models: the fewest others on which they are compared'),
  unknownOverlap: z
    .boolean()
    .default(false)
    .describe('compare also where it is not known which test images a model was trained on'),
  force: z.boolean().default(false).describe('promote whatever the comparison says'),
});
export type PromoteParameters = z.infer<typeof promoteParameters>;

export const promoteResult = z.strictObject({
  promoted: z.boolean(),
  indexOnly: z
    .boolean()
    .optional()
    .describe('the model was the current one already, and has another index now; `promoted` is then true'),
  version: z.int().positive().nullable().describe('the version that is current now; null where the name has none'),
  reason: z.string(),
  before: z.number().nullable().describe('the metric of the model that was current, on the same images'),
  after: z.number().nullable().describe('the metric of the new model, on these images'),
  images: z
    .int()
    .nullable()
    .describe('test images that both were compared on, which neither has seen; null where they were not compared'),
  seen: z
    .int()
    .nullable()
    .describe(
      'test images that were left out, because one of them was trained on or chosen by them, or because they leak',
    ),
  low: z.number().nullable().describe('where the 95 % interval of the difference begins'),
  high: z.number().nullable().describe('where it ends'),
});

export const promote = {
  description:
    'Make an evaluated model the current one of its name, if it is better on test images that neither has seen; or give the current one another `index`',
  version: 3,
  parameters: promoteParameters,
  result: promoteResult,
  inputs: { evaluation: 'evaluation', index: 'index' },
  optional: ['index'],
  otherInputs: {
    where: '`metric` is one of a search',
    holds: ({ metric }) => isSearchMetric(metric),
    inputs: { retrieval: 'retrieval', index: 'index' },
  },
  outputs: {},
  runs: 'activity',
  queue: 'gpu',
  effect: true,
} as const satisfies StepKind;
