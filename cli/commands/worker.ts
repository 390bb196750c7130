import { openHome } from '../../home/home.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { defaultQueues, startWorker } from '../../worker/worker.ts';
import { connect, serverOf } from '../connection.ts';
import { interruptSignal } from '../interrupt.ts';
import { listenError } from '../listening.ts';
import { type MetricsFlags, metricsEndpoint, metricsUrl } from '../metrics-endpoint.ts';
import { say } from '../output.ts';

/** `contrail worker`: serves task queues until a signal. */
export async function workerCommand({
  queue,
  slots,
  ownSteps,
  ...metricsFlags
}: MetricsFlags & {
  readonly queue: readonly string[];
  readonly slots: number;
  readonly ownSteps: boolean;
}): Promise<number> {
  process.title = 'contrail worker';
  const metrics = metricsEndpoint(metricsFlags);
  const signal = interruptSignal();
  const home = openHome();
  await requireTensorFlow();
  const queues = queue.length === 0 ? defaultQueues : queue.map((name) => ({ queue: name, slots }));
  const server = await serverOf(home);
  // Says what is wrong with the server, or whose it is, before anything is taken from it.
  const client = await connect(home, server);
  await client.close();
  const worker = await startWorker(home, { queues, log: say, server, ownSteps, metrics }).catch((error: unknown) => {
    const options = { host: '--metrics-host', port: '--metrics-port' };
    throw (metrics && listenError(error, metrics, options)) ?? error;
  });
  if (metrics && worker.metricsPort !== null)
    say(`metrics for Prometheus at ${metricsUrl(metrics.host, worker.metricsPort)}`);
  if (signal.aborted) worker.stop();
  signal.addEventListener('abort', () => worker.stop(), { once: true });
  await worker.stopped;
  return 0;
}
