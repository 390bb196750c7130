import { ContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../worker/home.ts';
import { defaultQueues, startWorker } from '../../worker/worker.ts';
import { serverOf } from '../connection.ts';
import { interruptSignal } from '../interrupt.ts';
import { say } from '../output.ts';

/** `contrail worker`: serves task queues until a signal. */
export async function workerCommand({
  queue,
  slots,
}: {
  readonly queue: readonly string[];
  readonly slots: number;
}): Promise<number> {
  process.title = 'contrail worker';
  const signal = interruptSignal();
  const home = openHome();
  const queues = queue.length === 0 ? defaultQueues : queue.map((name) => ({ queue: name, slots }));
  const worker = await startWorker(home, { queues, log: say, server: await serverOf(home) }).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'TransportError')
      throw new ContrailError(
        'ServerUnreachable',
        `The worker cannot reach Temporal: ${error.message}. Start a server with \`contrail dev\`, or set TEMPORAL_ADDRESS.`,
        { cause: error },
      );
    throw error;
  });
  if (signal.aborted) worker.stop();
  signal.addEventListener('abort', () => worker.stop(), { once: true });
  await worker.stopped;
  return 0;
}
