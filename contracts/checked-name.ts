import type { z } from 'zod';
import { ContrailError } from './errors.ts';

/** A name that somebody gave. @param what as in "run id" @throws ContrailError Usage where it is none of its kind */
export function checkedName(what: string, schema: z.ZodType<string>, name: string): string {
  const checked = schema.safeParse(name);
  if (!checked.success)
    throw new ContrailError('Usage', `The ${what} ${JSON.stringify(name)} ${checked.error.issues[0]?.message}.`);
  return name;
}
