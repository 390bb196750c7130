import { activityInfo } from '@temporalio/activity';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { loadEpochMetrics, saveStepResult } from '../store/index.ts';
import type { ActivityContext } from './context.ts';

/** Records a step's result in the store, so that a resumed run need not do the step again, and returns it. */
export async function finishStep(
  { store }: ActivityContext,
  { run, step, fingerprint }: StepKey & { readonly fingerprint: string },
  result: object,
): Promise<{ readonly [key: string]: Json }> {
  const plain = JSON.parse(JSON.stringify(result)) as { [key: string]: Json };
  const now = Date.now();
  const epochs = await loadEpochMetrics(store, { run, step });
  const seconds = (now - activityInfo().currentAttemptScheduledTimestampMs) / 1000;
  await saveStepResult(
    store,
    { run, step },
    {
      fingerprint,
      result: plain,
      seconds: Math.max(0, seconds) + epochs.reduce((sum, epoch) => sum + epoch.seconds, 0),
      finishedAt: new Date(now).toISOString(),
    },
  );
  return plain;
}
