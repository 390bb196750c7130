import { z } from 'zod';
import { artifactKindSchema } from './artifacts.ts';
import { stepIdSchema } from './identifiers.ts';
import { type StepKindName, stepKindNames } from './step-kinds.ts';

/** A duration as people write it: `30s`, `5m`, `2h`, `1d`, or milliseconds as a number. */
export const durationSchema = z
  .union([
    z.int().positive(),
    z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'must be a duration such as 30s, 5m, 2h or 1d'),
  ])
  .describe('30s, 5m, 2h, 1d, or milliseconds');

/** Retries, in Temporal's own words. `maximumAttempts: 0` is without limit. */
export const retrySchema = z.strictObject({
  maximumAttempts: z.int().min(0).max(1_000_000).optional(),
  initialInterval: durationSchema.optional(),
  backoffCoefficient: z.number().min(1).max(100).optional(),
  maximumInterval: durationSchema.optional(),
  nonRetryableErrorTypes: z.array(z.string()).optional(),
});
export type RetryConfig = z.infer<typeof retrySchema>;

/** A step, ready to be run: parameters are filled in; only `${steps.…}` references are left in `with`. */
export const plannedStepSchema = z.strictObject({
  id: stepIdSchema,
  uses: z.enum(stepKindNames as [StepKindName, ...StepKindName[]]),
  version: z.int(),
  /** Steps that must have succeeded, declared or implied by a reference, in the order of the plan. */
  needs: z.array(stepIdSchema),
  with: z.record(z.string(), z.json()),
  /** Where each artifact that the kind takes comes from. */
  inputs: z.record(z.string(), z.strictObject({ step: stepIdSchema, field: z.string(), kind: artifactKindSchema })),
  queue: z.string(),
  retry: retrySchema,
  /** Limit for one attempt of one activity, in milliseconds. */
  timeoutMs: z.int().positive(),
});
export type PlannedStep = z.infer<typeof plannedStepSchema>;

/** A pipeline after validation: plain data that the workflow interprets. Steps are in topological order. */
export const planSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  params: z.record(z.string(), z.json()),
  steps: z.array(plannedStepSchema).min(1),
});
export type Plan = z.infer<typeof planSchema>;
