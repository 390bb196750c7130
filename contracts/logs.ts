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

/** What a worker writes of an attempt at a step's work, after the name of the work and a colon. */
export const attemptStarted = (attempt: number): string => (attempt === 1 ? 'started' : `started, attempt ${attempt}`);

export const attemptFailed = (attempt: number, type: string, message: string, isTriedAgain: boolean): string =>
  `attempt ${attempt} failed (${type}), ${isTriedAgain ? 'tried again' : 'not tried again'}: ${message}`;

/** Whether a message tells of the start of an attempt. */
export const tellsOfStart = (message: string): boolean => /: started(, attempt \d+)?$/.test(message);

/** What a worker writes where an attempt was stopped. */
export const attemptStopped = (why: string): string => `stopped: ${why}`;

/** What a worker writes where an attempt did its work. */
export const attemptDone = (seconds: string): string => `done in ${seconds} s`;

/** Whether a message tells that an attempt was stopped or did its work. */
export const tellsOfEnd = (message: string): boolean => /^[^:]+: (stopped: |done in [\d.]+ s)/.test(message);

/** The type of the failure that a message tells of; `Error` where it names none. */
export const failureTypeIn = (message: string): string =>
  /: attempt \d+ failed \((\w+)\)/.exec(message)?.[1] ?? 'Error';
