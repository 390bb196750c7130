import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { permanentErrorCodes } from '../contracts/errors.ts';
import type { PlannedStep } from '../contracts/plan.ts';

/** The task queue of workflows and of activities that only look things up. */
export const controlQueue = 'contrail';

/** The type of workflow that our schedules start. */
export const scheduledWorkflow = 'scheduledRun';

/** For activities that read a few small files. */
export const lookupOptions: ActivityOptions = {
  startToCloseTimeout: '10m',
  // Else a look-up that dies with its worker is missed only at the end of that time.
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', maximumInterval: '30s', nonRetryableErrorTypes: [...permanentErrorCodes] },
};

/**
 * Options of the activities that do a step's work. Attempts are without limit unless the pipeline sets one: restarts of
 * workers use attempts up, while errors that cannot mend themselves are not retried at all.
 */
export function workOptions({
  queue,
  timeoutMs,
  retry,
  priority,
}: Pick<PlannedStep, 'queue' | 'timeoutMs' | 'retry' | 'priority'>): ActivityOptions {
  const { maximumAttempts, initialInterval, backoffCoefficient, maximumInterval, nonRetryableErrorTypes } = retry;
  return {
    taskQueue: queue,
    startToCloseTimeout: timeoutMs,
    heartbeatTimeout: '15s',
    ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
    // Else the next attempt could begin while this one still trains.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: duration(initialInterval) ?? '1s',
      maximumInterval: duration(maximumInterval) ?? '30s',
      ...(backoffCoefficient === undefined ? {} : { backoffCoefficient }),
      ...(maximumAttempts === undefined || maximumAttempts === 0 ? {} : { maximumAttempts }),
      nonRetryableErrorTypes: [...permanentErrorCodes, ...(nonRetryableErrorTypes ?? [])],
    },
  };
}

const duration = (value: number | string | undefined) =>
  value as Exclude<ActivityOptions['startToCloseTimeout'], undefined> | undefined;
