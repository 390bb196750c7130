import { z } from 'zod';
import { approvalDecisionSchema } from '../approval.ts';
import { durationSchema } from '../duration.ts';
import type { StepKind } from './kind.ts';

export const approveParameters = z.strictObject({
  message: z.string().trim().min(1).max(2000).describe('what the person is to decide'),
  by: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe('who should decide, such as `the head of the catalogue`; shown, not checked'),
  timeout: durationSchema
    .optional()
    .describe('how long it waits; without it, for as long as it takes. 30s, 5m, 2h, 1d, or milliseconds'),
  onTimeout: z.enum(['reject', 'approve']).default('reject').describe('what counts where nobody answers in time'),
});
export type ApproveParameters = z.infer<typeof approveParameters>;

export const approveResult = approvalDecisionSchema.omit({ approved: true });

export const approve = {
  description: 'Wait until a person agrees, by `contrail approve`; what follows a rejection is cancelled',
  version: 1,
  parameters: approveParameters,
  result: approveResult,
  inputs: {},
  outputs: {},
  runs: 'person',
  queue: 'cpu',
  effect: true,
} as const satisfies StepKind;
