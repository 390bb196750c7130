import type { StepStatus } from './status.ts';

/** What became of a model, and why: `not promoted: top1 0.8, and version 3 has 0.82, …`. Empty for steps that promote nothing. */
export function promotionText({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  if (uses !== 'promote' || typeof result?.promoted !== 'boolean') return '';
  return `${result.promoted ? 'promoted' : 'not promoted'}: ${String(result.reason)}`;
}
