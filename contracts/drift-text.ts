import { driftResult } from './kinds/drift.ts';
import type { StepStatus } from './status.ts';

/** Whether a model has gone stale, and why, in a line: `drifted: 12 % of the recent images …`. Empty for steps of other kinds. */
export function driftText({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  if (uses !== 'drift') return '';
  const parsed = driftResult.safeParse(result);
  return parsed.success ? `${parsed.data.verdict}: ${parsed.data.why}` : '';
}
