import { z } from 'zod';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';
import { scheduleIdSchema, sourceSchema } from './schedules.ts';

/** A parameter of a step that a person changed before the step began. */
const recordedChangeSchema = z.strictObject({
  step: plannedStepIdSchema,
  path: z.string(),
  from: z.json(),
  to: z.json(),
});
export type RecordedChange = z.infer<typeof recordedChangeSchema>;

/** `runs/<run>/run.json`: what a run was started from. */
export const runRecordSchema = z.strictObject({
  run: runIdSchema,
  pipeline: z.string(),
  params: z.record(z.string(), z.json()),
  createdAt: z.iso.datetime(),
  source: sourceSchema.optional(),
  /** Versions of what a result depends on beside the plan: Contrail, Node.js, TensorFlow, the digest of the code. */
  environment: z.record(z.string(), z.string()).optional(),
  forkedFrom: z.strictObject({ run: runIdSchema, step: plannedStepIdSchema, epoch: z.int().positive() }).optional(),
  /** Each time it was gone on with: with what, and which differences a person agreed to. */
  resumes: z
    .array(
      z.strictObject({
        at: z.iso.datetime(),
        params: z.record(z.string(), z.json()),
        environment: z.record(z.string(), z.string()),
        accepted: z.array(z.string()),
      }),
    )
    .optional(),
  /** What was changed of steps that had not begun, in order. */
  changes: z.array(recordedChangeSchema).optional(),
  /** The schedule that started it, and the execution of its firing. */
  schedule: z.strictObject({ id: scheduleIdSchema, execution: z.string() }).optional(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** `runs/<run>/forks/<new run>.json`: a run that began from a checkpoint of this one. */
export const forkRecordSchema = z.strictObject({
  run: runIdSchema,
  step: plannedStepIdSchema,
  epoch: z.int().positive(),
  createdAt: z.iso.datetime(),
});
export type ForkRecord = z.infer<typeof forkRecordSchema>;
