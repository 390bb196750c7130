import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { statusQuery } from '../../workflows/messages.ts';
import { controlQueue, scheduledWorkflow } from '../../workflows/options.ts';
import { pipelineAttribute, stateAttribute } from '../../workflows/search-attributes.ts';
import type { RunFacts } from './pipelines-of-runs.ts';
import type { WorkerInstruments } from './step-metrics.ts';
import type { StepStates } from './step-states.ts';

/** What the server is asked, and by whom. */
export interface ServerLook {
  readonly client: Client;
  readonly namespace: string;
  /** The task queues that this worker serves. */
  readonly queues: readonly string[];
  readonly facts: RunFacts;
  readonly steps: StepStates;
  /** A run did not say in what states its steps are. */
  readonly onSilent: () => void;
  readonly instruments: WorkerInstruments;
}

/** A server that hangs must not hold the next look up. */
const patienceMs = 10_000;
/** A run whose history is long is read by its worker before it answers: it is asked again at another look. */
const runPatienceMs = 2000;
const activities = 2;
/** What is shown of one namespace has a limit, whatever is in it. */
const most = { runs: 1000, queues: 100, schedules: 200 };

/** Asks the server about all that a worker's own work does not tell. @throws where it does not answer, or is no longer to be asked */
export async function lookAtServer(
  { client, namespace, queues, facts, steps, onSilent, instruments }: ServerLook,
  signal: AbortSignal,
): Promise<void> {
  const runs = await within(client, signal, () => openRuns(client));
  const asked = new Set([controlQueue, ...queues]);
  for (const { run } of runs) for (const queue of await facts.queuesOf(run)) asked.add(queue);
  const waiting = await within(client, signal, () =>
    Promise.all([...asked].slice(0, most.queues).map((queue) => waitingIn(client, namespace, queue))),
  );
  await steps.look(runs, (run) =>
    within(client, signal, () => client.workflow.getHandle(run).query(statusQuery), runPatienceMs).catch(() => {
      if (!signal.aborted) onSilent();
      return null;
    }),
  );
  // Only now, when all is known: what is no longer there goes, and nothing is away in between.
  forgetServer(instruments);
  for (const { pipeline, state } of runs) instruments.contrail_runs.inc({ pipeline, state });
  for (const { queue, count, oldestSeconds, pollers } of waiting) {
    if (count !== null) instruments.contrail_queue_waiting_steps.set({ queue }, count);
    if (oldestSeconds !== null) instruments.contrail_queue_oldest_wait_seconds.set({ queue }, oldestSeconds);
    instruments.contrail_queue_pollers.set({ queue }, pollers);
  }
  for (const { count, ...labels } of steps.counts()) instruments.contrail_run_steps.set({ ...labels }, count);
}

const ofServer = [
  'contrail_runs',
  'contrail_run_steps',
  'contrail_queue_waiting_steps',
  'contrail_queue_oldest_wait_seconds',
  'contrail_queue_pollers',
] as const;

/** Leaves out what the server was last known to have: it may be otherwise by now. */
export function forgetServer(instruments: WorkerInstruments): void {
  for (const name of ofServer) instruments[name].reset();
}

/** A client tries again by itself, for longer than a look may take. */
async function within<T>(client: Client, stop: AbortSignal, ask: () => Promise<T>, ms = patienceMs): Promise<T> {
  stop.throwIfAborted();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ms)]);
  const over = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  return Promise.race([client.connection.withAbortSignal(signal, ask), over]);
}

async function openRuns(client: Client) {
  const runs: { run: string; pipeline: string; state: string }[] = [];
  const query = "WorkflowType = 'pipeline' AND ExecutionStatus = 'Running'";
  for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ query, pageSize: most.runs })) {
    const state = typedSearchAttributes.get(stateAttribute) === 'paused' ? 'paused' : 'running';
    runs.push({ run: workflowId, pipeline: typedSearchAttributes.get(pipelineAttribute) ?? 'unknown', state });
    if (runs.length === most.runs) break;
  }
  return runs;
}

/** What waits in a queue; null where a server does not count it. */
async function waitingIn(client: Client, namespace: string, queue: string) {
  const { stats, pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    taskQueueType: activities,
    reportStats: true,
  });
  const age = stats?.approximateBacklogAge;
  return {
    queue,
    count: stats ? Number(stats.approximateBacklogCount ?? 0) : null,
    oldestSeconds: age ? Number(age.seconds ?? 0) + (age.nanos ?? 0) / 1e9 : null,
    pollers: pollers?.length ?? 0,
  };
}

/** Asks the server about the firings of our schedules. @throws as the other */
export async function lookAtSchedules({ client, instruments }: ServerLook, signal: AbortSignal): Promise<void> {
  const found = await within(client, signal, () => skippedFirings(client));
  const counter = instruments.contrail_schedule_skipped_firings_total;
  // The server counts; these are its numbers.
  counter.reset();
  for (const { schedule, overlap, missed } of found) {
    counter.inc({ schedule, reason: 'overlap' }, overlap);
    counter.inc({ schedule, reason: 'missed' }, missed);
  }
}

async function skippedFirings(client: Client) {
  const found: { readonly schedule: string; readonly overlap: number; readonly missed: number }[] = [];
  for await (const { scheduleId: schedule, action } of client.schedule.list()) {
    if (action?.workflowType !== scheduledWorkflow) continue;
    const description = await client.schedule
      .getHandle(schedule)
      .describe()
      .catch((error: unknown) => {
        // Deleted meanwhile.
        if (error instanceof ScheduleNotFoundError) return null;
        throw error;
      });
    if (!description) continue;
    const { numActionsSkippedOverlap: overlap, numActionsMissedCatchupWindow: missed } = description.info;
    found.push({ schedule, overlap, missed });
    if (found.length === most.schedules) break;
  }
  return found;
}
