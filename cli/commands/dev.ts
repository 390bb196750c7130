import { openHome } from '../../worker/home.ts';
import { startDevEnvironment } from '../dev-environment.ts';
import { interruptSignal } from '../interrupt.ts';
import { say } from '../output.ts';

/** `contrail dev`: a server and a worker until Ctrl-C, unless they run already. */
export async function devCommand({
  port,
  uiPort,
}: {
  readonly port: number;
  readonly uiPort: number;
}): Promise<number> {
  const home = openHome();
  const signal = interruptSignal();
  const environment = await startDevEnvironment(home, { port, uiPort }, say);
  say(`Temporal answers at ${environment.address}; its UI is http://127.0.0.1:${environment.server.uiPort}`);
  if (!environment.started) {
    const { server, worker } = environment.server;
    say(`Server and worker of ${home.folder} run already; \`kill ${worker} ${server}\` stops them.`);
    return 0;
  }
  say(`Runs, checkpoints and logs are in ${home.folder}. Ctrl-C stops.`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  say('Stopping; trainers checkpoint first.');
  await environment.stop();
  return 0;
}
