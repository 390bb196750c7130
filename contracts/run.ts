import { z } from 'zod';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';
import { scheduleIdSchema, sourceSchema } from './schedules.ts';

/** `runs/<run>/run.json`: what a run was started from. */
export const runRecordSchema = z.strictObject({
  run: runIdSchema,
  pipeline: z.string(),
  params: z.record(z.string(), z.json()),
  createdAt: z.iso.datetime(),
  source: sourceSchema.optional(),
  /** Versions of what a result depends on beside the plan: Contrail, Node.js, TensorFlow, the digest of the code. */
  environment: z.record(z.string(), z.string()).optional(),
  forkedFrom: z
    .strictObject({ run: runIdSchema, step: plannedStepIdSchema, epoch: z.int().nonnegative().nullable() })
    .optional(),
  /** The schedule that started it, and the execution of its firing. */
  schedule: z.strictObject({ id: scheduleIdSchema, execution: z.string() }).optional(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;
