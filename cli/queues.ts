import { controlQueue } from '../workflows/options.ts';
import type { ServerClient } from './connection.ts';

/** What workers ask a queue for, as Temporal numbers it. */
const [workflows, activities] = [1, 2];

/** Whether a worker asked a queue for work in the last minutes; null where the server does not say. */
async function isServed({ client, namespace }: ServerClient, queue: string, taskQueueType: number) {
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType,
    });
    return (pollers?.length ?? 0) > 0;
  } catch {
    return null;
  }
}

/** Whether there is a worker at all; null where the server does not say. */
export const hasWorkers = (server: ServerClient): Promise<boolean | null> => isServed(server, controlQueue, workflows);

/**
 * Why an activity that is due has not begun. A worker without a free slot does not ask for work, and is forgotten by the
 * server after minutes, so a queue that nobody asks is either not served or busy.
 */
export async function whatItWaitsFor(server: ServerClient, queue: string | null | undefined): Promise<string> {
  if (!queue) return 'waits for a worker';
  if (await isServed(server, queue, activities)) return `waits for a free slot of queue ${queue}`;
  return (await hasWorkers(server)) === false
    ? 'waits for a worker: none runs'
    : `waits for queue ${queue}: no worker serves it, or all are busy`;
}
