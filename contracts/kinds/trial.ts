import { z } from 'zod';
import { plannedStepIdSchema, stepIdSchema } from '../identifiers.ts';
import type { StepKind } from './kind.ts';

export const trialParameters = z.strictObject({
  sweep: stepIdSchema,
  trial: z.int().nonnegative(),
  rung: z.int().nonnegative(),
  /** The objective of each replicate, as its step gave it; null where that is lost. */
  values: z.array(z.json()).min(1),
  /** What its steps failed with. */
  problems: z.array(z.string()).default([]),
  /** The steps that led here since the rung before. */
  steps: z.array(plannedStepIdSchema),
  /** Which sweep it is of, where the order of arrival decides. */
  arrivals: z.string().optional(),
});
export type TrialParameters = z.infer<typeof trialParameters>;

export const trialResult = z.strictObject({
  /** Null where a replicate is lost. */
  value: z.number().nullable(),
  values: z.array(z.number().nullable()),
  seconds: z.number().nonnegative(),
  lost: z.string().optional(),
  /** Where the order of arrival decides: its place in it, from 1. */
  arrival: z.int().positive().optional(),
});
export type TrialResult = z.infer<typeof trialResult>;

/** What a trial of a sweep came to at a rung. Sweeps make these steps; no pipeline names the kind. */
export const trial = {
  description: 'Write down what a trial of a sweep came to',
  version: 1,
  parameters: trialParameters,
  result: trialResult,
  inputs: {},
  outputs: {},
  runs: 'activity',
  queue: 'cpu',
  // Its place and its time are of this run.
  effect: true,
} as const satisfies StepKind;
