import { z } from 'zod';
import { durationSchema, retrySchema, scheduleSchema, tolerateSchema } from '../../../contracts/plan.ts';

const queueSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be the name of a task queue: letters, digits, dots, dashes')
  .describe('the task queue whose workers run the step');

const prioritySchema = z
  .int()
  .min(1)
  .max(5)
  .describe('1, the most urgent, to 5, among what waits on a task queue; 3 where nothing is said');
const cacheSchema = z.boolean().describe('false: run the step even where an earlier run has its result');

/**
 * Lists of values, with `include` and `exclude`; or the id of another step, to run once for each of its matrix. One that goes over
 * a list of a result is read before this.
 */
const matrixDefinitionSchema = z
  .union([z.string(), z.record(z.string(), z.array(z.json()))])
  .describe(
    'run the step once for each combination of these lists, or for each item of the list that an earlier step gives; or once for each of the matrix of another step',
  );

/** A step as written. */
export const stepDefinitionSchema = z.strictObject({
  uses: z.string().describe('the kind of step'),
  description: z.string().optional(),
  needs: z.array(z.string()).default([]).describe('steps that must have succeeded before this one starts'),
  when: z
    .string()
    .optional()
    .describe(
      'a CEL expression over params, matrix, steps.<id>.state and steps.<id>.result; skipped where it is false',
    ),
  matrix: matrixDefinitionSchema.optional(),
  maxParallel: z.int().min(1).optional().describe('how many steps of the matrix run at a time'),
  tolerate: tolerateSchema
    .optional()
    .describe(
      'how many steps of the matrix may fail, as a number or as a share of them such as 0.1, and the others are gone on with',
    ),
  with: z.record(z.string(), z.json()).default({}).describe('parameters of the kind'),
  queue: queueSchema.optional(),
  priority: prioritySchema.optional(),
  retry: retrySchema.optional(),
  timeout: durationSchema.optional().describe('limit for one attempt'),
  cache: cacheSchema.optional(),
});
export type StepDefinition = z.infer<typeof stepDefinitionSchema>;

const paramsSchema = z.record(z.string(), z.json()).default({});
const stepsSchema = z.record(z.string(), z.unknown());

const includeSchema = z
  .array(
    z.strictObject({
      file: z.string().min(1).describe('a file with params and steps, relative to this one'),
      as: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be lower-case letters, digits and dashes, starting with a letter')
        .optional()
        .describe('what its step ids begin with here, before a dash'),
      with: z.record(z.string(), z.json()).default({}).describe('values for its params'),
    }),
  )
  .default([])
  .describe('steps from other files');

/** What every step gets that does not say otherwise. */
export const defaultsSchema = z.strictObject({
  queue: queueSchema.optional(),
  retry: retrySchema.optional(),
  timeout: durationSchema.optional(),
  priority: prioritySchema.optional(),
  cache: cacheSchema.optional(),
});
export type Defaults = z.infer<typeof defaultsSchema>;

/** A pipeline file as written; its steps are checked one by one. */
export const pipelineDefinitionSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, starting with a letter')
    .describe('names the pipeline and, with a time, its runs'),
  description: z.string().optional(),
  params: paramsSchema.describe('values that --set can change, with their defaults'),
  defaults: defaultsSchema.prefault({}).describe('for every step that does not say otherwise'),
  schedule: scheduleSchema.optional().describe('when runs start by themselves; `contrail schedule create` sets it up'),
  include: includeSchema,
  steps: stepsSchema.describe('the steps, by id'),
  onFailure: stepsSchema.optional().describe('steps that run when all others have ended and one of them failed'),
  finally: stepsSchema.optional().describe('steps that run at the very end, whatever happened'),
});
export type PipelineDefinition = z.infer<typeof pipelineDefinitionSchema>;

/** A file that others include. */
export const includedDefinitionSchema = z.strictObject({
  description: z.string().optional(),
  params: paramsSchema,
  include: includeSchema,
  steps: stepsSchema,
});
