import { activityInfo } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { errorCodes } from '../../contracts/errors.ts';
import { describedFailure, isTriedAgain, reusedFrom, shardOf, stepOf, workOf } from '../activity-work.ts';
import type { StepMetrics } from './step-metrics.ts';

type Execute = NonNullable<ActivityInboundCallsInterceptor['execute']>;
const codes: ReadonlySet<string> = new Set(errorCodes);

/** Counts the attempts at the work of steps that this worker makes. Counting holds no work up. */
export const countActivities =
  (metrics: StepMetrics): ActivityInterceptorsFactory =>
  () => {
    const execute: Execute = async (input, next) => {
      const key = workOf(input.args) ?? shardOf(input.args);
      if (!key) {
        const output = await next(input);
        const lookedUp = stepOf(input.args);
        if (lookedUp && reusedFrom(output)) metrics.reused(lookedUp);
        return output;
      }
      const { attempt, taskQueue: queue, currentAttemptScheduledTimestampMs: due } = activityInfo();
      const end = metrics.began(key, { queue, attempt, waitedSeconds: Math.max(0, Date.now() - due) / 1000 });
      try {
        const output = await next(input);
        end('done');
        return output;
      } catch (error) {
        if (error instanceof CancelledFailure) end('stopped');
        else {
          const { type } = describedFailure(error);
          end(isTriedAgain(error) ? 'retried' : 'failed', codes.has(type) ? type : 'other');
        }
        throw error;
      }
    };
    return { inbound: { execute } };
  };
