import type { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { runIdSchema } from '../contracts/identifiers.ts';
import { modelNameSchema } from '../contracts/models.ts';
import { scheduleIdSchema } from '../contracts/schedules.ts';

/** Whoever names a run names a workflow and a folder. @throws ContrailError Usage */
export const checkRunId = (run: string): string => checkName('run id', runIdSchema, run);

/** @throws ContrailError Usage */
export const checkScheduleId = (id: string): string => checkName('schedule id', scheduleIdSchema, id);

/** @throws ContrailError Usage */
export const checkModelName = (name: string): string => checkName('model name', modelNameSchema, name);

function checkName(what: string, schema: z.ZodType<string>, name: string): string {
  const checked = schema.safeParse(name);
  if (!checked.success)
    throw new ContrailError('Usage', `The ${what} ${JSON.stringify(name)} ${checked.error.issues[0]?.message}.`);
  return name;
}
