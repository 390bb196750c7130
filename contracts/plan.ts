import { z } from 'zod';
import { artifactKindSchema, codeRefSchema } from './artifacts.ts';
import { durationSchema } from './duration.ts';
import { plannedStepIdSchema, stepIdSchema } from './identifiers.ts';
import { dimensionSchema } from './kinds/sweep.ts';
import { limits } from './limits.ts';
import { ownKindSchema } from './own-kind.ts';
import { type StepKindName, stepKindNames } from './step-kinds.ts';

export { durationSchema };

/** Retries, in Temporal's own words. `maximumAttempts: 0` is without limit. */
export const retrySchema = z.strictObject({
  maximumAttempts: z.int().min(0).max(1_000_000).optional(),
  initialInterval: durationSchema.optional(),
  backoffCoefficient: z.number().min(1).max(100).optional(),
  maximumInterval: durationSchema.optional(),
  nonRetryableErrorTypes: z.array(z.string()).optional(),
  onExhausted: z
    .enum(['fail', 'pause'])
    .optional()
    .describe('what happens when the attempts are used up or an error is not retried: fail, or wait for a person'),
});

/** When a step runs: with the others, after the others when one of them failed, or after them in any case. */
export const stepRoleSchema = z.enum(['step', 'onFailure', 'finally']);
export type StepRole = z.infer<typeof stepRoleSchema>;

/** A step, ready to be run: parameters are filled in; only `${steps.…}` and `${run.…}` references are left in `with`. */
export const plannedStepSchema = z.strictObject({
  id: plannedStepIdSchema,
  uses: z.enum(stepKindNames as [StepKindName, ...StepKindName[]]),
  version: z.int(),
  /** Steps that must have ended, declared or implied by a reference, in the order of the plan; every one of a matrix. */
  needs: z.array(plannedStepIdSchema),
  with: z.record(z.string(), z.json()),
  /** Where each artifact that the kind takes comes from. */
  inputs: z.record(
    z.string(),
    z.strictObject({ step: plannedStepIdSchema, field: z.string(), kind: artifactKindSchema }),
  ),
  /** Of a step of the user's own: what it is. */
  own: ownKindSchema.optional(),
  /** The files of the user's own that it runs, as they were when the pipeline was read. */
  code: codeRefSchema.optional(),
  queue: z.string(),
  retry: retrySchema,
  /** Limit for one attempt of one activity, in milliseconds. */
  timeoutMs: z.int().positive(),
  /** 1, the most urgent, to 5, among what waits on a task queue. */
  priority: z.int().min(1).max(5).optional(),
  /** False: always run, whatever an earlier run left. */
  cache: z.boolean().optional(),
  /** A CEL expression over `params`, `steps` (`.state`, `.result`) and `matrix`; the step is skipped where it is false. */
  when: z.string().optional(),
  /** For one of a matrix: the step in the pipeline, and its own values. */
  matrix: z.strictObject({ of: stepIdSchema, values: z.record(z.string(), z.json()) }).optional(),
  role: stepRoleSchema.optional(),
  /** Of a trial: the sweep that it is of. */
  sweep: stepIdSchema.optional(),
  /** Of a training that stops at a rung: the epoch that it stops after, and the step that brought it to the rung before. */
  rung: z.strictObject({ until: z.int().positive(), after: plannedStepIdSchema.optional() }).optional(),
});
export type PlannedStep = z.infer<typeof plannedStepSchema>;

/** How many of a matrix may be lost: so many, or such a share of them. */
export const tolerateSchema = z
  .number()
  .min(0)
  .max(limits.matrixCombinations)
  .refine((most) => most < 1 || Number.isInteger(most), 'must be a whole number, or a share below 1 such as 0.1');

/** Where the items of a matrix come from that is not known when the pipeline is read: a list in the result of a step. */
const listSourceSchema = z.strictObject({
  step: plannedStepIdSchema,
  path: z.array(z.string()).min(1),
  /** What `${matrix.…}` calls an item. */
  name: z.string(),
  /** The step of the pipeline that names the list; steps with the same one have the same items, each its own counterpart. */
  root: stepIdSchema,
});
export type ListSource = z.infer<typeof listSourceSchema>;

/** A step of the pipeline that the plan holds several times. A reference to it names the list of all their results. */
const matrixSchema = z.strictObject({
  /** Of a list that is not there yet, the step itself stands for all: see pipelines/language/interpret/expand-lists.ts. */
  members: z.array(plannedStepIdSchema).min(1),
  /** How many of them run at a time; without a limit where absent. */
  maxParallel: z.int().positive().optional(),
  tolerate: tolerateSchema.optional(),
  list: listSourceSchema.optional(),
  /** Steps of trials: any number of them may be lost. */
  sweep: stepIdSchema.optional(),
});
export type Matrix = z.infer<typeof matrixSchema>;

/** The parts of a sweep that decide what it tries. Trials are put into the plan by pipelines/language/interpret/sweep/. */
const plannedSweepSchema = z.strictObject({
  search: z.enum(['grid', 'random', 'tpe']),
  /** No more than the budget of epochs pays for. */
  trials: z.int().positive(),
  over: z.record(z.string(), dimensionSchema),
  seed: z.int().nonnegative(),
  seeds: z.array(z.int().nonnegative()).min(1),
  goal: z.enum(['highest', 'lowest']),
  /** The number that decides: in the result of a step of the trial. */
  objective: z.strictObject({ step: stepIdSchema, path: z.array(z.string()).min(1) }),
  atOnce: z.int().positive(),
  /** Epochs of each rung; absent where every trial goes to its end at once. */
  rungs: z.array(z.int().positive()).min(1).optional(),
  factor: z.int().min(2),
  isAsynchronous: z.boolean(),
  /** Epochs that one trial takes to each rung from the one before, all its replicates together; null where that is swept over. */
  costs: z.array(z.int().nonnegative()).min(1).nullable(),
  budget: z.strictObject({ epochs: z.int().positive().optional(), minutes: z.number().positive().optional() }),
  /** The training that stops at rungs. */
  halved: stepIdSchema.optional(),
  /** The steps that are done anew at each rung: the training, and what follows from it. */
  perRung: z.array(stepIdSchema),
  /** The steps of a trial, in topological order, with `${sweep.…}` left as it is. */
  steps: z.array(plannedStepSchema).min(1),
});
export type PlannedSweep = z.infer<typeof plannedSweepSchema>;

/** A schedule, in Temporal's terms. */
export const scheduleSchema = z.strictObject({
  cron: z
    .union([z.string().max(1000), z.array(z.string().max(1000)).min(1).max(100)])
    .optional()
    .describe('when, as in cron: "0 3 * * 1"'),
  every: durationSchema.optional().describe('at this interval, instead of cron'),
  timezone: z.string().default('UTC').describe('an IANA name, such as Europe/Paris'),
  jitter: durationSchema.optional().describe('start at a random moment up to so much later'),
  overlap: z
    .enum(['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'])
    .default('skip')
    .describe('what happens when the run before is still going on'),
  catchUp: durationSchema.default('10m').describe('how late a run that was missed may still start'),
  pauseOnFailure: z.boolean().default(false),
  onlyIfChanged: z
    .enum(['data'])
    .optional()
    .describe('data: end at once where the prepared data is that of the last successful run'),
  params: z.record(z.string(), z.json()).default({}).describe('params of the runs that the schedule starts'),
});
export type ScheduleConfig = z.infer<typeof scheduleSchema>;

/** A pipeline after validation: plain data that the workflow interprets. Steps are in topological order. */
export const planSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  params: z.record(z.string(), z.json()),
  steps: z.array(plannedStepSchema).min(1),
  matrices: z.record(stepIdSchema, matrixSchema).optional(),
  sweeps: z.record(stepIdSchema, plannedSweepSchema).optional(),
  schedule: scheduleSchema.optional(),
});
export type Plan = z.infer<typeof planSchema>;
