import {
  ApplicationFailure,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type Firing, runOfFiring } from '../contracts/schedules.ts';
import { describeFailure } from './failures.ts';
import { controlQueue, lookupOptions } from './options.ts';
import { pipeline } from './pipeline.ts';
import { pipelineAttribute, scheduleAttribute } from './search-attributes.ts';

/**
 * What a schedule starts: a run with an id of its own, known to the store like any other. It lasts as long as the run, so
 * that Temporal's overlap policies hold for runs.
 */
export async function scheduledRun({ schedule, definition }: Firing): Promise<{ readonly run: string }> {
  const { workflowId, runId } = workflowInfo();
  const lookups = (summary: string) =>
    proxyActivities<Activities>({ ...lookupOptions, taskQueue: controlQueue, summary });
  const { run, plan, last } = await lookups('make the run').prepareScheduledRun({
    schedule,
    definition,
    run: runOfFiring(workflowId),
    execution: runId,
  });
  setCurrentDetails(`Run **${run}** of schedule ${schedule}`);
  try {
    await executeChild(pipeline, {
      workflowId: run,
      args: [{ plan, resume: false, ...(last ? { unlessData: { run: last.run, digests: last.data } } : {}) }],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: plan.description ?? plan.name,
      staticDetails: `Pipeline **${plan.name}**, started by schedule ${schedule}`,
      typedSearchAttributes: [
        { key: pipelineAttribute, value: plan.name },
        { key: scheduleAttribute, value: schedule },
      ],
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw ApplicationFailure.nonRetryable(`Run ${run} failed:\n${describeFailure(error).message}`, 'RunFailed');
  }
  await lookups('remember the data').recordCompleted({ schedule, run });
  return { run };
}
