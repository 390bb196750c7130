import { z } from 'zod';
import { codeRefSchema, digestSchema } from './artifacts.ts';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';
import { ownKindSchema } from './own-kind.ts';
import { planSchema, scheduleSchema } from './plan.ts';

/** At most 63, so that a run's id, which adds the time, stays short. */
export const scheduleIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, starting with a letter, at most 63');

/** A pipeline as a person wrote it. */
export const sourceSchema = z.strictObject({
  file: z.string(),
  text: z.string(),
  /** The files that it includes, by their paths as the includes give them. */
  included: z.record(z.string(), z.string()).optional(),
  /** The stored files that its programs need: those of `sources`, and those that words of a command name. */
  code: z
    .array(
      z.strictObject({ sources: z.array(z.string()), command: z.array(z.string()), code: codeRefSchema.nullable() }),
    )
    .optional(),
  /** Steps of the user's own, by their files. */
  steps: z.record(z.string(), z.strictObject({ kind: ownKindSchema, code: codeRefSchema })).optional(),
});
export type Source = z.infer<typeof sourceSchema>;

/** What a schedule starts: `schedules/<id>/definitions/<digest>.json`, named by the SHA-256 of its content. */
export const scheduleDefinitionSchema = z.strictObject({
  format: z.literal('contrail-schedule/1'),
  schedule: scheduleIdSchema,
  plan: planSchema,
  source: sourceSchema,
  config: scheduleSchema,
});
export type ScheduleDefinition = z.infer<typeof scheduleDefinitionSchema>;

/** The last run of a schedule that completed, for `onlyIfChanged`. */
export const lastCompletedSchema = z.strictObject({
  run: runIdSchema,
  /** SHA-256 of the steps that ran. */
  plan: digestSchema,
  /** The digest of each data set, by the step that prepared it. */
  data: z.record(plannedStepIdSchema, digestSchema),
});
export type LastCompleted = z.infer<typeof lastCompletedSchema>;

/** What a firing of a schedule is told; Temporal holds it. */
export const firingSchema = z.strictObject({ schedule: scheduleIdSchema, definition: digestSchema });
export type Firing = z.infer<typeof firingSchema>;

/** The id of the run of a firing, from the workflow id that Temporal gives it: the schedule's, and the time. */
export function runOfFiring(workflowId: string): string {
  const [, schedule, date, time] = /^(.+)-(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(workflowId) ?? [];
  if (schedule === undefined || date === undefined || time === undefined)
    return workflowId.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 120);
  return `${schedule}-${date.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
}
