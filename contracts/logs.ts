import { z } from 'zod';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';

/** A line of a run's log, as `runs/<run>/logs/<worker>/<number>.jsonl` holds them. */
export const logLineSchema = z.strictObject({
  time: z.iso.datetime(),
  level: z.enum(['info', 'warn', 'error']),
  run: runIdSchema,
  step: plannedStepIdSchema,
  /** `temporal`: what no worker could write down, because it had gone away. */
  source: z.enum(['worker', 'trainer', 'program', 'temporal']),
  message: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;
