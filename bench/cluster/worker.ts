import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { type LoggedProcess, startLogged, stopProcess, untilReady } from './logged-process.ts';
import type { Machine } from './network.ts';
import type { Undoing } from './undoing.ts';

/** A worker on a machine of its own. */
export interface ClusterWorker {
  readonly machine: Machine;
  readonly process: LoggedProcess;
  /** Its home, as this process sees it. */
  readonly home: string;
}

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));

/**
 * Run as root in the machine's network: a host name of its own, and of the work folder nothing but its own home.
 * Arguments: host name, home, work folder, and the command.
 */
const asMachine = `set -e
hostname "$1"; mount --bind "$2" /mnt; mount -t tmpfs -o mode=755 none "$3"; mkdir "$3/home"; mount --move /mnt "$3/home"
shift 3; exec "$@"`;

/**
 * Starts `contrail worker` in the network, host name, processes and mounts of a machine. It shares with the others what is installed,
 * which it only reads, and reaches them by the network alone.
 *
 * @param work the folder that holds the homes of all
 * @param logs the folder of its output
 * @param variables where the server and the store are
 */
export async function startClusterWorker(
  machine: Machine,
  {
    work,
    logs,
    variables,
  }: { readonly work: string; readonly logs: string; readonly variables: Readonly<Record<string, string>> },
  undoing: Undoing,
): Promise<ClusterWorker> {
  const home = join(work, machine.name);
  mkdirSync(join(home, 'tmp'), { recursive: true, mode: 0o700 });
  const inside = join(work, 'home');
  const queues = ['cpu', 'gpu', machine.name].flatMap((queue) => ['--queue', queue]);
  const namespaces = ['--mount', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const log = join(logs, `${machine.name}.log`);
  const { NODE_OPTIONS: _, ...environment } = childEnvironment(process.env, 'compute');
  const running = startLogged(
    log,
    'ip',
    [
      ...['netns', 'exec', machine.namespace, 'unshare', ...namespaces, 'sh', '-c', asMachine, 'sh'],
      ...[machine.name, home, work, process.execPath, contrail, 'worker', ...queues],
    ],
    {
      cwd: '/',
      env: { ...environment, ...variables, CONTRAIL_HOME: inside, TMPDIR: join(inside, 'tmp'), NO_COLOR: '1' },
    },
  );
  // The first process of the machine dies with this one, and all others with that.
  undoing.later(`the worker of ${machine.name}`, () => stopProcess(running.child, 'SIGKILL'));
  await untilReady(running, `The worker of ${machine.name}`, async () =>
    readFileSync(log, 'utf8').includes('worker ready'),
  );
  return { machine, process: running, home };
}
