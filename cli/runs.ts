import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ContrailError } from '../contracts/errors.ts';
import type { Plan } from '../contracts/plan.ts';
import type { Source } from '../contracts/schedules.ts';
import type { PipelineStatus } from '../contracts/status.ts';
import { loadPlan, recordRun, type Store, savePlan } from '../store/index.ts';
import { describeEnvironment } from '../worker/environment.ts';
import { registerSearchAttributes } from '../worker/search-attributes.ts';
import { statusQuery } from '../workflows/messages.ts';
import { controlQueue } from '../workflows/options.ts';
import { pipelineAttribute } from '../workflows/search-attributes.ts';
import type { ServerClient } from './connection.ts';

/** How long a query waits for a worker before the caller is told that there is none. */
const queryTimeoutMs = 10_000;
const maximumAttributeWaits = 60;

/** A new run's id: the pipeline and the time, so that runs sort. */
export function newRunId(pipeline: string): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${pipeline}-${time}-${Math.random().toString(36).slice(2, 6)}`;
}

/** The server takes 2 MiB in a workflow's input; the state of the run joins the plan when its history begins anew. */
const maximumPlanBytes = 1024 * 1024;

/** How a run is started. */
export interface StartOptions {
  /** The pipeline as it was written, kept with a new run. */
  readonly source?: Source;
  /** @default true */
  readonly useCache?: boolean;
  /** Steps to do again whatever they left, and with them what follows. */
  readonly redo?: readonly string[];
}

/**
 * Starts a run, or starts one again under its own id.
 *
 * @returns the id of this execution of the workflow
 * @throws ContrailError Usage when a run of that id is going on, or has completed
 */
export async function startRun(
  server: ServerClient,
  store: Store,
  run: string,
  plan: Plan,
  resume: boolean,
  { source, useCache, redo }: StartOptions = {},
): Promise<string> {
  const planBytes = Buffer.byteLength(JSON.stringify(plan));
  if (planBytes > maximumPlanBytes)
    throw new ContrailError(
      'InvalidPipeline',
      `The plan of ${plan.name} has ${planBytes} bytes for ${plan.steps.length} steps, more than ${maximumPlanBytes}. Split the pipeline.`,
    );
  if (!resume && (await loadPlan(store, run)))
    throw new ContrailError(
      'Usage',
      `There is a run ${run} already. Use \`contrail resume ${run}\` to go on with it, or another --id.`,
    );
  const { client } = server;
  if (!resume)
    await recordRun(store, {
      run,
      pipeline: plan.name,
      params: plan.params,
      createdAt: new Date().toISOString(),
      ...(source ? { source } : {}),
      environment: describeEnvironment(),
    });
  await savePlan(store, run, plan);
  try {
    const handle = await whenAttributesAreKnown(server, () =>
      client.workflow.start('pipeline', {
        workflowId: run,
        taskQueue: controlQueue,
        args: [{ plan, resume, ...(redo ? { redo } : {}), ...(useCache === undefined ? {} : { useCache }) }],
        workflowIdReusePolicy: resume
          ? redo
            ? WorkflowIdReusePolicy.ALLOW_DUPLICATE
            : WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
          : WorkflowIdReusePolicy.REJECT_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        staticSummary: plan.description ?? plan.name,
        staticDetails: `Pipeline **${plan.name}**: ${plan.steps.map(({ id, uses }) => `${id} (${uses})`).join(' -> ')}`,
        typedSearchAttributes: [{ key: pipelineAttribute, value: plan.name }],
      }),
    );
    return handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError)
      throw new ContrailError(
        'Usage',
        `The run ${run} is going on, or has completed. \`contrail status ${run}\` shows it.`,
        { cause: error },
      );
    throw error;
  }
}

/**
 * A server that has just started, or never had a worker of ours, does not know our search attributes: it is told, and
 * takes a few seconds to learn them.
 */
async function whenAttributesAreKnown<T>({ namespace }: ServerClient, start: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const unknown =
        cause instanceof Object &&
        'details' in cause &&
        String(cause.details).includes('no mapping defined for search attribute');
      if (!unknown || attempt >= maximumAttributeWaits) throw error;
      if (attempt === 0) await registerSearchAttributes(namespace);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** What the server knows of a run. @throws ContrailError RunNotFound */
export async function describeRun({ client }: ServerClient, run: string) {
  try {
    return await client.workflow.getHandle(run).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ContrailError('RunNotFound', `There is no run ${run}. \`contrail list\` shows the runs.`, {
        cause: error,
      });
    throw error;
  }
}

/** The state of every step; null when no worker answers. */
export async function queryStatus({ client }: ServerClient, run: string): Promise<PipelineStatus | null> {
  try {
    return await client.connection.withDeadline(Date.now() + queryTimeoutMs, () =>
      client.workflow.getHandle(run).query(statusQuery),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ContrailError('RunNotFound', `There is no run ${run}.`, { cause: error });
    return null;
  }
}
