import type { SerializationContext } from '@temporalio/common';
import { isContrailError } from '../contracts/errors.ts';
import type { ServerClient } from './connection.ts';
import { type Description, decodedFailure, type Failure } from './decoded-activity.ts';

/** A task of the workflow itself that was tried so often fails for a reason. */
const attemptsOfTrouble = 3;
const eventsBack = 20;

/**
 * Why a run makes no decisions any more: its workflow's code fails on the workers, what it sends is refused, or a worker does not
 * answer. Null where it goes on.
 */
export async function standstillOf(
  server: ServerClient,
  run: string,
  { raw }: Pick<Description, 'raw'>,
): Promise<string | null> {
  const { client, namespace } = server;
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  if (attempt < attemptsOfTrouble) return null;
  const history = await client.workflowService
    .getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId: run, runId: raw.workflowExecutionInfo?.execution?.runId ?? '' },
      maximumPageSize: eventsBack,
    })
    .then(
      (answer) => answer.history,
      () => null,
    );
  // The newest comes first.
  const last = history?.events?.find(
    ({ workflowTaskFailedEventAttributes: failed, workflowTaskTimedOutEventAttributes: late }) => failed ?? late,
  );
  if (last?.workflowTaskTimedOutEventAttributes)
    return `${run} stands still: a worker took up what comes next, and gave no answer in time, attempt ${attempt}. It is stopped, cut off, or has too little processor time; another one is asked meanwhile, where there is one.`;
  const failure = last?.workflowTaskFailedEventAttributes?.failure;
  const reason = failure ? await reasonOf(server, run, failure) : undefined;
  return `${run} stands still: its workers fail to decide what comes next, attempt ${attempt}${reason ? ` (${reason})` : ''}. The worker's log, CONTRAIL_HOME/logs/worker.log, has the whole story; a worker of the version that began the run goes on with it.`;
}

/**
 * The first line of what a failure of a workflow's task or query says, or why it cannot be read: as a rule for the same reason. A
 * worker that could not decrypt the task itself encrypts that for no place.
 */
export async function reasonOf(
  { codec, namespace }: Pick<ServerClient, 'codec' | 'namespace'>,
  run: string,
  failure: Failure,
): Promise<string | undefined> {
  const read = async (context?: SerializationContext) =>
    (await decodedFailure(codec, failure, context)).message?.split('\n')[0];
  try {
    return await read({ type: 'workflow', namespace, workflowId: run });
  } catch (error) {
    if (!isContrailError(error)) throw error;
    return read().catch(() => error.message);
  }
}
