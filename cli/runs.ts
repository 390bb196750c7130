import {
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { limits } from '../contracts/limits.ts';
import type { Plan } from '../contracts/plan.ts';
import type { Source } from '../contracts/schedules.ts';
import type { PipelineStatus } from '../contracts/status.ts';
import { describeEnvironment } from '../home/environment.ts';
import { openHome } from '../home/home.ts';
import { isBeingRemoved, loadPlan, loadRunRecord, openStore, recordRun, type Store, savePlan } from '../store/index.ts';
import { registerSearchAttributes } from '../worker/search-attributes.ts';
import { statusQuery } from '../workflows/messages.ts';
import { controlQueue } from '../workflows/options.ts';
import { pipelineAttribute } from '../workflows/search-attributes.ts';
import type { ServerClient } from './connection.ts';
import { unknownRun } from './unknown-run.ts';

/** How long a query waits for a worker before the caller is told that there is none. */
const queryTimeoutMs = 10_000;
const maximumAttributeWaits = 60;

/** A new run's id: the pipeline and the time, so that runs sort. */
export function newRunId(pipeline: string): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${pipeline}-${time}-${Math.random().toString(36).slice(2, 6)}`;
}

/** A new run takes the id of one that was removed: the server still has its past, but the store nothing of it. */
const reusePolicy = (resume: boolean, alsoCompleted: boolean) =>
  resume && !alsoCompleted ? WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY : WorkflowIdReusePolicy.ALLOW_DUPLICATE;

/** How a run is started. */
export interface StartOptions {
  /** The pipeline as it was written, kept with a new run. */
  readonly source?: Source;
  /** @default true */
  readonly useCache?: boolean;
  /** Steps to do again whatever they left, and with them what follows. */
  readonly redo?: readonly string[];
  /** A person agreed to a changed config. */
  readonly accept?: boolean;
  /** Also a run that has completed is started again: there may be more to do. */
  readonly extend?: boolean;
  /** The new run begins from a checkpoint of another. */
  readonly fork?: { readonly run: string; readonly step: string; readonly epoch: number };
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
  { source, useCache, redo, accept, extend, fork }: StartOptions = {},
): Promise<string> {
  const planBytes = Buffer.byteLength(JSON.stringify(plan));
  if (planBytes > limits.planBytes)
    throw new ContrailError(
      'InvalidPipeline',
      `The plan of ${plan.name} has ${planBytes} bytes for ${plan.steps.length} steps, more than ${limits.planBytes}. Split the pipeline.`,
    );
  if (await isBeingRemoved(store, run))
    throw new ContrailError('Usage', `The removal of the run ${run} was interrupted. \`contrail rm ${run}\` ends it.`);
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
      ...(fork ? { forkedFrom: fork } : {}),
    });
  await savePlan(store, run, plan);
  const forkedFrom = resume ? (await loadRunRecord(store, run))?.forkedFrom : fork;
  try {
    const handle = await whenAttributesAreKnown(server, () =>
      client.workflow.start('pipeline', {
        workflowId: run,
        taskQueue: controlQueue,
        args: [
          {
            plan,
            resume,
            ...(redo ? { redo } : {}),
            ...(useCache === undefined ? {} : { useCache }),
            ...(accept === undefined ? {} : { accept }),
            ...(forkedFrom ? { fork: forkedFrom } : {}),
          },
        ],
        workflowIdReusePolicy: reusePolicy(resume, redo !== undefined || extend === true),
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
export async function whenAttributesAreKnown<T>(
  { connection, namespace }: ServerClient,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (!(isUnknownAttribute(error) || isUnknownAttribute(cause)) || attempt >= maximumAttributeWaits) throw error;
      if (attempt === 0) await registerSearchAttributes(connection.operatorService, namespace);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** The server says it in one way of what is started, in another of what is looked for. */
const isUnknownAttribute = (error: unknown) =>
  error instanceof Object &&
  'details' in error &&
  /no mapping defined for search attribute|invalid search attribute/.test(String(error.details));

/** What the server knows of a run; null where it does not know it, or has forgotten it. */
export async function findRun({ client }: ServerClient, run: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(run).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** What the server knows of a run. @throws ContrailError RunNotFound, which says what the store has of it */
export async function describeRun(server: ServerClient, run: string): Promise<WorkflowExecutionDescription> {
  const known = await findRun(server, run);
  if (!known) throw await notOnServer(openStore(openHome().storeUrl), run);
  return known;
}

/** What to tell a user of a run that the server does not know. */
export async function notOnServer(store: Store, run: string): Promise<ContrailError> {
  if (!(await loadPlan(store, run))) return unknownRun(store, run);
  return new ContrailError(
    'RunNotFound',
    `The run ${run} is not on this server, but the store has it. \`contrail status ${run}\` shows how far it came, \`contrail resume ${run}\` goes on with it.`,
  );
}

/** @throws ContrailError Usage where the run has ended, RunNotFound */
export async function requireRunning(server: ServerClient, run: string): Promise<void> {
  const { status } = await describeRun(server, run);
  if (status.name !== 'RUNNING')
    throw new ContrailError('Usage', `The run ${run} has ended (${status.name.toLowerCase()}).`);
}

/** The state of every step; null when no worker answers. @throws ContrailError RunNotFound, PayloadsUnreadable */
export async function queryStatus(
  { client }: ServerClient,
  run: string,
  timeoutMs = queryTimeoutMs,
): Promise<PipelineStatus | null> {
  try {
    return await client.connection.withDeadline(Date.now() + timeoutMs, () =>
      client.workflow.getHandle(run).query(statusQuery),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ContrailError('RunNotFound', `There is no run ${run}.`, { cause: error });
    if (isContrailError(error)) throw error;
    return null;
  }
}
