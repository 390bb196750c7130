import { z } from 'zod';
import { durationSchema, retrySchema } from '../../contracts/plan.ts';

const queueSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be the name of a task queue: letters, digits, dots, dashes')
  .describe('the task queue whose workers run the step');

/** A step as written. */
export const stepDefinitionSchema = z.strictObject({
  uses: z.string().describe('the kind of step'),
  description: z.string().optional(),
  needs: z.array(z.string()).default([]).describe('steps that must have succeeded before this one starts'),
  with: z.record(z.string(), z.json()).default({}).describe('parameters of the kind'),
  queue: queueSchema.optional(),
  retry: retrySchema.optional(),
  timeout: durationSchema.optional().describe('limit for one attempt'),
});
export type StepDefinition = z.infer<typeof stepDefinitionSchema>;

/** A pipeline file as written; its steps are checked one by one. */
export const pipelineDefinitionSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, starting with a letter')
    .describe('names the pipeline and, with a time, its runs'),
  description: z.string().optional(),
  params: z.record(z.string(), z.json()).default({}).describe('values that --set can change, with their defaults'),
  defaults: z
    .strictObject({ queue: queueSchema.optional(), retry: retrySchema.optional(), timeout: durationSchema.optional() })
    .prefault({})
    .describe('for every step that does not say otherwise'),
  steps: z.record(z.string(), z.unknown()).describe('the steps, by id'),
});
export type PipelineDefinition = z.infer<typeof pipelineDefinitionSchema>;
