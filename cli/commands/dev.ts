import { openHome } from '../../home/home.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { startDevEnvironment } from '../dev-environment.ts';
import { interruptSignal } from '../interrupt.ts';
import { metricsUrl } from '../metrics-endpoint.ts';
import { say } from '../output.ts';
import { choosePort, type Port } from '../ports.ts';

const usual = { port: 7233, uiPort: 8233 };

/** `contrail dev`: looks after a server and a worker until Ctrl-C, unless another process does so already. */
export async function devCommand(asked: {
  readonly port?: number;
  readonly uiPort?: number;
  readonly metricsPort?: number;
}): Promise<number> {
  const home = openHome();
  await requireTensorFlow();
  const signal = interruptSignal();
  const port = (name: 'port' | 'uiPort'): Port => {
    const must = asked[name];
    return must === undefined ? { rather: usual[name] } : { must };
  };
  const metricsPort =
    asked.metricsPort === undefined
      ? null
      : await choosePort({ must: asked.metricsPort }, '--metrics-port', 'there are no metrics');
  const environment = await startDevEnvironment(
    home,
    { port: port('port'), uiPort: port('uiPort') },
    say,
    metricsPort === null ? [] : ['--metrics-port', String(metricsPort)],
  );
  const { server, worker, keeper, uiPort } = environment.server;
  if (environment.started && environment.takenOver.length === 0)
    for (const name of ['port', 'uiPort'] as const)
      if (asked[name] === undefined && environment.server[name] !== usual[name])
        say(`Port ${usual[name]} is taken; ${environment.server[name]} is used.`);
  say(`Temporal answers at ${environment.address}; its UI is http://127.0.0.1:${uiPort}`);
  if (metricsPort !== null)
    say(
      environment.started && !environment.takenOver.includes('worker')
        ? `Metrics for Prometheus are at ${metricsUrl('127.0.0.1', metricsPort)}`
        : '--metrics-port changes nothing: the worker runs already, as it was started.',
    );
  if (!environment.started) {
    say(
      `Server and worker of ${home.folder} run already (processes ${server} and ${worker}); \`kill ${keeper}\` stops them.`,
    );
    return 0;
  }
  if (environment.takenOver.length > 0) say(`Took over what was left running: ${environment.takenOver.join(', ')}.`);
  say(`Runs, checkpoints and logs are in ${home.folder}. Ctrl-C stops.`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  say('Stopping; trainers checkpoint first. Ctrl-C again ends all at once.');
  await environment.stop();
  return 0;
}
