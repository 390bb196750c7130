import type { Client } from '@temporalio/client';

type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;

/** When a workflow task was completed, since 1970, and how long it took from its start, in milliseconds. */
export interface WorkflowTask {
  readonly at: number;
  readonly ms: number;
}

/** What the histories of a workflow and its successors say about time, in milliseconds. */
export interface EngineTimes {
  /** From the start of the workflow to its end. */
  readonly total: number;
  /** From scheduling a step's activity to its start, by step. */
  readonly dispatch: readonly number[];
  readonly workflowTasks: readonly WorkflowTask[];
  readonly events: number;
  /** Workflow tasks that a worker took and did not finish in time. */
  readonly timedOut: number;
}

/** @param isStep tells steps' activities from look-ups, by activity id */
export async function readTimes(
  client: Client,
  workflowId: string,
  firstRunId: string,
  isStep: (activityId: string) => boolean,
): Promise<EngineTimes> {
  const dispatch: number[] = [];
  const workflowTasks: WorkflowTask[] = [];
  let [first, last, events, timedOut] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  for (let runId: string | undefined = firstRunId; runId !== undefined; ) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const at = new Map<string, number>();
    const steps = new Set<string>();
    runId = undefined;
    for (const event of history.events ?? []) {
      const time = milliseconds(event.eventTime);
      at.set(String(event.eventId), time);
      first = Math.min(first, time);
      last = Math.max(last, time);
      events++;
      if (event.workflowTaskTimedOutEventAttributes) timedOut++;
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled && isStep(scheduled.activityId ?? '')) steps.add(String(event.eventId));
      const started = event.activityTaskStartedEventAttributes;
      if (started && steps.has(String(started.scheduledEventId)))
        dispatch.push(time - (at.get(String(started.scheduledEventId)) ?? time));
      const completed = event.workflowTaskCompletedEventAttributes;
      if (completed) workflowTasks.push({ at: time, ms: time - (at.get(String(completed.startedEventId)) ?? time) });
      runId ??= event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
  }
  return { total: last - first, dispatch, workflowTasks, events, timedOut };
}

const milliseconds = (time: Timestamp): number => Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
