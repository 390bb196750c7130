import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { type StepKey, stepKeySchema } from '../contracts/identifiers.ts';

const keySchema = z.object(stepKeySchema.shape);
/** An activity that does a step's work is told what its result follows from, or which epoch to train. */
const workSchema = keySchema
  .extend({ fingerprint: z.string().optional(), epoch: z.int().optional() })
  .refine(({ fingerprint, epoch }) => fingerprint !== undefined || epoch !== undefined);
const shardSchema = keySchema.extend({ shard: z.int() });
const foundSchema = z.object({ found: z.object({ from: stepKeySchema }) });

const keyIn = (schema: z.ZodType<StepKey>, [input]: readonly unknown[]): StepKey | null => {
  const read = schema.safeParse(input);
  return read.success ? { run: read.data.run, step: read.data.step } : null;
};

/** The step that an activity is for, from what it is given; null where it is for none. */
export const stepOf = (args: readonly unknown[]): StepKey | null => keyIn(keySchema, args);

/** The step whose work an activity does; null for one that only looks something up. */
export const workOf = (args: readonly unknown[]): StepKey | null => keyIn(workSchema, args);

/** The step of which an activity embeds a shard; null for every other activity. */
export const shardOf = (args: readonly unknown[]): StepKey | null => keyIn(shardSchema, args);

/** Whose result a look-up found; null where it found none. */
export function reusedFrom(output: unknown): StepKey | null {
  const read = foundSchema.safeParse(output);
  return read.success ? read.data.found.from : null;
}

/** Whether Temporal tries the activity that runs again after this error. */
export function isTriedAgain(error: unknown): boolean {
  const { attempt, retryPolicy } = activityInfo();
  const { maximumAttempts = 0, nonRetryableErrorTypes = [] } = retryPolicy ?? {};
  if (error instanceof ApplicationFailure && error.nonRetryable) return false;
  return (
    !nonRetryableErrorTypes.includes(describedFailure(error).type) &&
    (maximumAttempts === 0 || attempt < maximumAttempts)
  );
}

export function describedFailure(error: unknown): { readonly type: string; readonly message: string } {
  if (error instanceof ApplicationFailure) return { type: error.type ?? 'Error', message: error.message };
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: 'Error', message: String(error) };
}
