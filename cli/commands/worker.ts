import { times } from '../../contracts/counted.ts';
import { openHome } from '../../home/home.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { defaultQueues, longestStopMs, startWorker } from '../../worker/worker.ts';
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
  let since = 0;
  const stop = () => {
    since = performance.now();
    say(stoppingText(worker.inWork()));
    worker.stop();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  await worker.stopped;
  if (signal.aborted)
    say(`Stopped after ${((performance.now() - since) / 1000).toFixed(1)} s. No trainer of this worker runs any more.`);
  return 0;
}

/** What a worker says that was asked to stop. @param inWork steps that it is doing */
export const stoppingText = (inWork: number): string =>
  inWork === 0
    ? 'Stopping: no step is in work.'
    : `Stopping: ${times(inWork, 'step')} in work; trainings write a checkpoint first. This takes at most ${Math.ceil(longestStopMs / 60_000)} minutes. Another worker of the queue goes on with them, or this one once it is started again.`;
