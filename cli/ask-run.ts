import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import type { PipelineStatus } from '../contracts/status.ts';
import { statusQuery } from '../workflows/messages.ts';
import type { ServerClient } from './connection.ts';
import type { Failure } from './decoded-activity.ts';
import { failureOfQuery } from './failed-query.ts';
import { grpc, withGrpcCode } from './grpc.ts';
import { hasWorkers } from './queues.ts';
import { reasonOf, standstillOf } from './standstill.ts';

const describeTimeoutMs = 5000;
/** How long a query waits for a worker before the caller is told that there is none. */
const queryTimeoutMs = 10_000;

/** What is said of a server that does not answer. */
const silences = [grpc.cancelled, grpc.deadlineExceeded, grpc.resourceExhausted, grpc.unavailable];

/** What became of asking a run how it is. */
export type RunAnswer =
  | { readonly kind: 'status'; readonly status: PipelineStatus }
  | { readonly kind: 'ended' }
  /** The run goes on, but how is not known: why. */
  | { readonly kind: 'silent'; readonly why: string };

/**
 * Asks a run that goes on for its status.
 *
 * @param signal gives up at once
 * @throws ContrailError RunNotFound, PayloadsUnreadable
 */
export async function askRun(server: ServerClient, run: string, signal?: AbortSignal): Promise<RunAnswer> {
  const { client } = server;
  const handle = client.workflow.getHandle(run);
  const bounded = <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    const withDeadline = () => client.connection.withDeadline(Date.now() + ms, work);
    // Each call has a signal of its own: the client leaves its listeners on it.
    return signal ? client.connection.withAbortSignal(AbortSignal.any([signal]), withDeadline) : withDeadline();
  };
  let description: Awaited<ReturnType<typeof handle.describe>>;
  try {
    description = await bounded(describeTimeoutMs, () => handle.describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ContrailError('RunNotFound', `There is no run ${run}. \`contrail list\` shows the runs.`, {
        cause: error,
      });
    if (!withGrpcCode(error, silences)) throw error;
    return { kind: 'silent', why: `The server at ${server.address} does not answer. Waiting for it.` };
  }
  if (description.status.name !== 'RUNNING') return { kind: 'ended' };
  try {
    return { kind: 'status', status: await bounded(queryTimeoutMs, () => handle.query(statusQuery)) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'ended' };
    if (isContrailError(error)) throw error;
    const ask = () => bounded(queryTimeoutMs, () => failedQuery(server, run));
    return { kind: 'silent', why: await whySilent(server, run, error, { ...description, ask }) };
  }
}

async function whySilent(
  server: ServerClient,
  run: string,
  error: unknown,
  { raw, ask }: Parameters<typeof standstillOf>[2] & { readonly ask: () => Promise<Failure | null> },
): Promise<string> {
  const standstill = await standstillOf(server, run, { raw });
  if (standstill !== null) return standstill;
  if (error instanceof QueryNotRegisteredError) {
    // Where there are keys, the message of the error says nothing.
    const failure = await ask();
    const reason = failure ? await reasonOf(server, run, failure) : undefined;
    return `${run} does not say how it is: ${reason ?? error.message}`;
  }
  return (await hasWorkers(server)) === true
    ? 'A worker runs, but is too busy to say how the run is. Waiting for it.'
    : 'Waiting for a worker. Start one with `contrail worker` or `contrail dev`.';
}

/** How a worker failed to say how a run is: the client throws that away. Null where it said so this time, or not why. */
const failedQuery = ({ client, namespace }: ServerClient, run: string): Promise<Failure | null> =>
  client.workflowService
    .queryWorkflow({ namespace, execution: { workflowId: run }, query: { queryType: statusQuery.name } })
    .then(() => null, failureOfQuery);
