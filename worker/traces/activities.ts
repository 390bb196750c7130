import { activityInfo } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { traceHeader } from '../../contracts/traces.ts';
import { type Traces, within } from '../../traces/index.ts';
import { describedFailure, shardOf, stepOf, workOf } from '../activity-work.ts';
import type { TracesOfRuns } from './workflows.ts';

/** A span for each attempt at an activity, within that of the workflow that asked for it. */
export const traceActivities =
  (traces: Traces, ofRuns: TracesOfRuns): ActivityInterceptorsFactory =>
  () => {
    const execute: NonNullable<ActivityInboundCallsInterceptor['execute']> = async (input, next) => {
      const header = input.headers[traceHeader];
      const { workflowExecution, activityType, activityId, attempt, taskQueue } = activityInfo();
      const parent = header && workflowExecution ? ofRuns.spanOf(header, workflowExecution.runId) : null;
      if (!parent) return next(input);
      const key = workOf(input.args) ?? shardOf(input.args) ?? stepOf(input.args);
      const span = traces.begin(activityType, {
        parent,
        attributes: {
          'contrail.run': key?.run,
          'contrail.step': key?.step,
          'contrail.attempt': attempt,
          'contrail.queue': taskQueue,
          'temporal.activity.id': activityId,
        },
      });
      try {
        const output = await within(span.link, () => next(input));
        span.end();
        return output;
      } catch (error) {
        if (error instanceof CancelledFailure) {
          span.set({ 'contrail.outcome': 'stopped' });
          span.end();
        } else span.end({ failed: describedFailure(error).type });
        throw error;
      }
    };
    return { inbound: { execute } };
  };
