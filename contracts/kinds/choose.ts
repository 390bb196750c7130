import { z } from 'zod';
import type { ArtifactKind } from '../artifacts.ts';
import { times } from '../counted.ts';
import { artifactOf, type StepKind } from './kind.ts';

const listOf = <K extends ArtifactKind>(kind: K) =>
  z
    .array(artifactOf(kind))
    .min(1)
    .optional()
    .describe(`the ${kind} of each, in the order of \`by\`; the result holds that of the best`);

export const chooseParameters = z
  .strictObject({
    by: z
      .array(z.number().nullable())
      .min(1)
      .describe('the number of each of a matrix that decides; null, what was not measured, is never chosen'),
    goal: z.enum(['highest', 'lowest']).default('highest'),
    dataset: listOf('dataset'),
    encoder: listOf('encoder'),
    classifier: listOf('classifier'),
    evaluation: listOf('evaluation'),
  })
  .superRefine(({ by, goal: _, ...lists }, context) => {
    for (const [name, list] of Object.entries(lists))
      if (list && list.length !== by.length)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `has ${times(list.length, 'entry', 'entries')} where by has ${by.length}; both must come from the same matrix`,
        });
  });
export type ChooseParameters = z.infer<typeof chooseParameters>;

export const chooseResult = z.strictObject({
  index: z.int().describe('which one is the best, counted from 0; of equals the first'),
  value: z.number(),
  mean: z.number(),
  deviation: z.number().nullable().describe('sample standard deviation over the matrix; null for a single number'),
  count: z.int().describe('how many were measured'),
  dataset: artifactOf('dataset').optional(),
  encoder: artifactOf('encoder').optional(),
  classifier: artifactOf('classifier').optional(),
  evaluation: artifactOf('evaluation').optional(),
});
export type ChooseResult = z.infer<typeof chooseResult>;

export const choose = {
  description: 'Take the best of a matrix, and say how much its results differ',
  version: 2,
  parameters: chooseParameters,
  result: chooseResult,
  inputs: {},
  outputs: { dataset: 'dataset', encoder: 'encoder', classifier: 'classifier', evaluation: 'evaluation' },
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
