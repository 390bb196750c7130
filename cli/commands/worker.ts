import { ContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../worker/home.ts';
import { defaultQueues, startWorker } from '../../worker/worker.ts';
import { noNamespace, serverOf } from '../connection.ts';
import { interruptSignal } from '../interrupt.ts';
import { say } from '../output.ts';

/** gRPC's number; what is looked for is the namespace. */
const notFound = 5;
const exitDelayMs = 1000;

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
  const server = await serverOf(home);
  const { address } = server.connectionOptions;
  const worker = await startWorker(home, { queues, log: say, server }).catch((error: unknown) => {
    // What was made of the worker holds the process, and cannot be closed without its server.
    setTimeout(() => process.exit(), exitDelayMs).unref();
    if (error instanceof Error && 'code' in error && error.code === notFound)
      throw noNamespace({ ...server, address }, error);
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
