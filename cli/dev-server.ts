import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { temporalBinary } from '../native/index.ts';
import type { Home } from '../worker/home.ts';

/** What `dev.json` says of the server that serves a home. */
const devSchema = z.strictObject({ server: z.int(), worker: z.int(), port: z.int(), uiPort: z.int() });
export type DevServer = z.infer<typeof devSchema>;

export const addressOf = ({ port }: DevServer): string => `127.0.0.1:${port}`;

/** The page of a run in Temporal's UI: of its latest execution, unless one is named. */
export const uiAddress = ({ uiPort }: Pick<DevServer, 'uiPort'>, run: string, execution?: string): string =>
  `http://127.0.0.1:${uiPort}/namespaces/default/workflows/${encodeURIComponent(run)}${execution ? `/${execution}/history` : ''}`;

/** The server that is written down as serving this home, if that process lives; it may not answer. */
export async function recordedDevServer(home: Home): Promise<DevServer | null> {
  const text = await readFile(home.devFile, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const dev = devSchema.parse(JSON.parse(text));
    return isAlive(dev.server) ? dev : null;
  } catch {
    return null;
  }
}

/** The server that serves this home already; null when there is none. */
export async function findDevServer(home: Home): Promise<DevServer | null> {
  const dev = await recordedDevServer(home);
  return dev && (await answers(addressOf(dev))) ? dev : null;
}

/** Writes down which processes serve the home. */
export async function recordDevServer(home: Home, { server, worker, port, uiPort }: DevServer): Promise<void> {
  await writeFile(`${home.devFile}.part`, JSON.stringify({ server, worker, port, uiPort }));
  await rename(`${home.devFile}.part`, home.devFile);
}

/** Whether a process runs. One that has ended, but whose parent never asked, as in a container without an init, does not. */
export function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0) && !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Starts Temporal's development server on loopback, with its database in the home, and waits until it answers.
 *
 * Task queues are not split into partitions: a worker with one slot asks one of them at a time, and a step that had waited for
 * the slot in another for more than five minutes was passed over for minutes more.
 *
 * @param ports 0 picks a free one
 * @throws ContrailError SetupFailed when it does not come up; Usage when the port is taken
 */
export async function startDevServer(
  home: Home,
  ports: { readonly port: number; readonly uiPort: number },
): Promise<DevServer & { readonly process: ChildProcess }> {
  const port = ports.port || (await freePort());
  const uiPort = ports.uiPort || (await freePort());
  for (const wanted of [port, uiPort])
    if (!(await isFree(wanted)))
      throw new ContrailError(
        'Usage',
        `Port ${wanted} on 127.0.0.1 is taken. Stop what uses it, or choose others with --port and --ui-port.`,
      );
  await mkdir(dirname(home.databaseFile), { recursive: true });
  const args = [
    'server',
    'start-dev',
    '--db-filename',
    home.databaseFile,
    '--ip',
    '127.0.0.1',
    '--ui-ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-port',
    String(uiPort),
    '--log-level',
    'error',
    ...['Read', 'Write'].flatMap((kind) => ['--dynamic-config-value', `matching.numTaskqueue${kind}Partitions=1`]),
  ];
  // Its own process group: Ctrl-C must reach the worker first, while the server still answers.
  const child = spawn(temporalBinary(), args, {
    detached: true,
    stdio: ['ignore', logFile(home, 'temporal.log'), logFile(home, 'temporal.log')],
  });
  const dev = { server: child.pid ?? 0, worker: 0, port, uiPort };
  for (let attempt = 0; !(await answers(addressOf(dev))); attempt++) {
    if (attempt > 150 || child.exitCode !== null || child.signalCode !== null)
      throw new ContrailError(
        'SetupFailed',
        `Temporal's server did not come up; ${join(home.logFolder, 'temporal.log')} says why.`,
      );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { ...dev, process: child };
}

export async function stopDevServer(home: Home, { process: child }: { readonly process: ChildProcess }): Promise<void> {
  const isRunning = child.exitCode === null && child.signalCode === null;
  const exited = isRunning ? new Promise((resolve) => child.once('exit', resolve)) : null;
  child.kill('SIGTERM');
  await exited;
  await rm(home.devFile, { force: true });
}

/** This process's environment with nothing of another Temporal server: its namespace, keys and certificates. */
const environmentFor = (address: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
  TEMPORAL_ADDRESS: address,
});

/** Starts a worker in a process of its own. It leaves on SIGTERM, after its trainers have checkpointed. */
export function startWorkerProcess(
  home: Home,
  address: string,
  options: readonly string[] = [],
  program = new URL('./contrail.mjs', import.meta.url),
): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(program), 'worker', ...options], {
    detached: true,
    env: { ...environmentFor(address), CONTRAIL_HOME: home.folder },
    stdio: ['ignore', logFile(home, 'worker.out.log'), logFile(home, 'worker.out.log')],
  });
}

function logFile(home: Home, name: string): number {
  mkdirSync(home.logFolder, { recursive: true });
  return openSync(join(home.logFolder, name), 'a');
}

async function answers(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 });
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

const listen = (port: number) =>
  new Promise<number | null>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });

const isFree = async (port: number) => (await listen(port)) !== null;

async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port === null) throw new ContrailError('SetupFailed', 'No port is free on 127.0.0.1.');
  return port;
}
