import { z } from 'zod';
import type { StepKind } from './kind.ts';

export const notifyParameters = z.strictObject({
  urlFrom: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'must be the name of an environment variable: capitals, digits, underscores')
    .describe("the environment variable of the worker that holds the webhook's URL"),
  message: z.string().min(1).max(10_000),
  data: z.record(z.string(), z.json()).default({}).describe('sent along as it is, results of steps say'),
  seconds: z.number().positive().max(300).default(10).describe('how long an answer may take'),
});

export const notifyResult = z.strictObject({ status: z.int().describe('the HTTP status of the answer') });

export const notify = {
  description: 'POST a message as JSON to a webhook',
  version: 1,
  parameters: notifyParameters,
  result: notifyResult,
  inputs: {},
  outputs: {},
  runs: 'activity',
  queue: 'cpu',
  effect: true,
} as const satisfies StepKind;
