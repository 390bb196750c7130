import { type WorkflowHandle, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ContrailError } from '../contracts/errors.ts';
import { type ServerClient, withServer } from './connection.ts';
import { checkRunId } from './given-names.ts';
import { requireRunning } from './runs.ts';

/** Sends an update. What the workflow refuses becomes a sentence. @throws ContrailError Usage, RunNotFound */
export async function updateRun<T>(
  run: string,
  send: (handle: WorkflowHandle, server: ServerClient) => Promise<T>,
): Promise<T> {
  checkRunId(run);
  return withServer(async (server) => {
    await requireRunning(server, run);
    try {
      return await send(server.client.workflow.getHandle(run), server);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError)
        throw new ContrailError('Usage', error.cause?.message ?? error.message, { cause: error });
      if (error instanceof WorkflowNotFoundError)
        throw new ContrailError('Usage', `The run ${run} ended meanwhile.`, { cause: error });
      throw error;
    }
  });
}
