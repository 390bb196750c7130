import { z } from 'zod';
import type { StepKind } from './kind.ts';

/** A step of the user's own in a plan. A pipeline names its file; what it takes and gives, the plan says beside it. */
export const own = {
  description: 'A step of your own, in TypeScript or JavaScript',
  version: 1,
  parameters: z.object({}).catchall(z.json()),
  result: z.object({}).catchall(z.any()),
  inputs: {},
  outputs: {},
  runs: 'process',
  queue: 'cpu',
  maximumAttempts: 3,
} as const satisfies StepKind;
