import { z } from 'zod';
import { plannedStepIdSchema, runIdSchema } from '../identifiers.ts';
import { modelNameSchema } from '../models.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const useModelParameters = z
  .strictObject({
    model: modelNameSchema.optional().describe('the name that it was promoted under: the version that is current then'),
    run: runIdSchema.optional().describe('a run of which it is taken, in place of `model`'),
    step: plannedStepIdSchema.optional().describe('of `run`: the step that made the encoder, where there are several'),
  })
  .refine(({ model, run }) => (model === undefined) !== (run === undefined), 'must name either a `model` or a `run`')
  .refine(({ run, step }) => step === undefined || run !== undefined, {
    path: ['step'],
    message: 'is a step of a run: name the `run` as well',
  });
export type UseModelParameters = z.infer<typeof useModelParameters>;

export const useModelResult = z.strictObject({
  encoder: artifactOf('encoder'),
  classifier: artifactOf('classifier').nullable().describe('null where none was trained on the encoder'),
  evaluation: artifactOf('evaluation').nullable().describe('of the classifier; null where it was not measured'),
  index: artifactOf('index').nullable().describe('what look-alikes are searched in; null where there is none'),
  name: z.string().describe('the model, or the run and the step'),
  version: z.int().positive().nullable().describe('of the model; null for one of a run'),
  run: runIdSchema.describe('the run that made it'),
});

export const useModel = {
  description: 'Take a promoted model, or what an earlier run made, for the steps that follow',
  version: 1,
  parameters: useModelParameters,
  result: useModelResult,
  inputs: {},
  outputs: { encoder: 'encoder', classifier: 'classifier', evaluation: 'evaluation', index: 'index' },
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
