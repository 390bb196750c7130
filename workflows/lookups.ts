import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { controlQueue, lookupOptions } from './options.ts';

/** The activities that only look things up. */
export const lookups = (summary: string) =>
  proxyActivities<Activities>({ ...lookupOptions, taskQueue: controlQueue, summary });

/** Ends the trainer of a step, so that the GPU is free while the step waits. One that is gone already is no matter. */
export async function closeTrainer({ run, step, queue }: StepKey & { readonly queue: string }): Promise<void> {
  const activities = proxyActivities<Activities>({
    taskQueue: queue,
    scheduleToCloseTimeout: '1m',
    summary: `${step}: end its trainer`,
  });
  await activities.closeTrainer({ run, step }).catch(() => undefined);
}
