import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { type Home, makeHome } from '../home/home.ts';
import { temporalBinary } from '../native/index.ts';
import { dataConverterOf, payloadKeys } from '../payloads/index.ts';
import { claimNamespace, ownerOfHome, requireSameStore } from '../worker/belonging.ts';
import { addressOf, type DevServer, forgetDevServer } from './dev-record.ts';
import { type Lock, takeLock } from './locks.ts';
import { choosePort, freePort, listensOn, type Port } from './ports.ts';
import { superviseChild } from './processes.ts';
import { userName } from './user-name.ts';

/** How long a server may take to come up, on a machine that is busy with other things. */
const startMs = 60_000;
const pollMs = 100;
const attemptMs = 5000;

export interface Ports {
  readonly port: Port;
  readonly uiPort: Port;
}

/** Ports that nobody else uses. */
export const freePorts: Ports = { port: { rather: 0 }, uiPort: { rather: 0 } };

/** The ports of a server that was there before. */
export const portsOf = ({ port, uiPort }: Pick<DevServer, 'port' | 'uiPort'>): Ports => ({
  port: { rather: port },
  uiPort: { rather: uiPort },
});

/** A server that was started here. */
export type StartedServer = Pick<DevServer, 'server' | 'port' | 'uiPort'> & { readonly process: ChildProcess };

/**
 * Starts Temporal's development server on loopback, with its database in the home, waits until it answers, and has it carry who
 * its home and store are.
 *
 * Task queues are not split into partitions: a worker with one slot asks one of them at a time, and a step that had waited for
 * the slot in another for more than five minutes was passed over for minutes more.
 *
 * @throws ContrailError SetupFailed when it does not come up; ServerUnreachable when a server has the database open already;
 * Usage when a port that was asked for is taken; WrongServer when the database belongs to another store
 */
export async function startDevServer(home: Home, ports: Ports): Promise<StartedServer> {
  await makeHome(home);
  await mkdir(dirname(home.databaseFile), { recursive: true, mode: 0o700 });
  const lock = takeLock(home.databaseLock);
  if (!lock)
    throw new ContrailError(
      'ServerUnreachable',
      `A Temporal server has ${home.databaseFile} open already, and a second one would damage it. Wait for it, or end it: \`fuser ${home.databaseLock}\` names it.`,
    );
  try {
    return await startLocked(home, ports, lock).catch((error: unknown) => {
      // Another process took a port between our look at it and the server's.
      if (isContrailError(error) && error.code === 'SetupFailed' && 'rather' in ports.port && 'rather' in ports.uiPort)
        return startLocked(home, ports, lock);
      throw error;
    });
  } finally {
    lock.close();
  }
}

async function startLocked(home: Home, ports: Ports, lock: Lock): Promise<StartedServer> {
  const port = await choosePort(ports.port, '--port');
  const uiPort = await choosePort(ports.uiPort, '--ui-port');
  const child = spawnServer(home, { port, uiPort, httpPort: await freePort() }, lock);
  const server = { server: child.pid ?? 0, port, uiPort, process: child };
  try {
    const until = Date.now() + startMs;
    while (!(isOurs(server) && (await answers(addressOf(server), home)))) {
      if (Date.now() > until || hasEnded(child)) {
        // On a full disk the log says nothing.
        await requireSpace(dirname(home.databaseFile));
        throw new ContrailError(
          'SetupFailed',
          `Temporal's server did not come up; ${join(home.logFolder, 'temporal.log')} says why.`,
        );
      }
      await delay(pollMs);
    }
    return server;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** @throws the error of the file system where a page cannot be written */
async function requireSpace(folder: string): Promise<void> {
  const file = join(folder, `space.${process.pid}.part`);
  try {
    await writeFile(file, Buffer.alloc(64 * 1024));
  } finally {
    await rm(file, { force: true });
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

function isOurs({ server, port }: Pick<StartedServer, 'server' | 'port'>): boolean {
  try {
    return listensOn(server, port);
  } catch {
    // It has ended, which is looked at elsewhere.
    return false;
  }
}

function spawnServer(
  home: Home,
  { port, uiPort, httpPort }: { readonly port: number; readonly uiPort: number; readonly httpPort: number },
  lock: Lock,
): ChildProcess {
  const options: Readonly<Record<string, string>> = {
    '--db-filename': home.databaseFile,
    '--ip': '127.0.0.1',
    '--ui-ip': '127.0.0.1',
    '--port': String(port),
    '--ui-port': String(uiPort),
    '--http-port': String(httpPort),
    '--log-level': 'error',
  };
  const settings = [
    ...['Read', 'Write'].map((kind) => `matching.numTaskqueue${kind}Partitions=1`),
    // Any web page may send requests to loopback, and this interface asks for no token: it answers to a name that no page can know.
    `frontend.httpAllowedHosts=${JSON.stringify([randomUUID()])}`,
  ];
  const args = [
    'server',
    'start-dev',
    ...Object.entries(options).flat(),
    '--ui-disable-news-fetch',
    ...settings.flatMap((setting) => ['--dynamic-config-value', setting]),
  ];
  return spawnLogged(home, 'temporal.log', (output) => {
    // The database is for its owner alone, whatever the umask is otherwise.
    const umask = process.umask(0o077);
    try {
      // Its own process group: Ctrl-C must reach the worker first, while the server still answers.
      return spawn(temporalBinary(), args, {
        detached: true,
        // It does not start where it cannot say who runs it.
        env: { USER: userName(), ...childEnvironment(process.env, 'server') },
        stdio: ['ignore', output, output, lock.file],
      });
    } finally {
      process.umask(umask);
    }
  });
}

/** This process's environment with nothing of another Temporal server: its namespace, keys and certificates. */
const workerEnvironment = (address: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
  TEMPORAL_ADDRESS: address,
  // It begins with the sources as they are by now, which is what its runs are told of the code.
  CONTRAIL_COMPILATION: undefined,
});

/**
 * Starts a worker in a process of its own. It leaves on SIGTERM, after its trainers have checkpointed. It has the whole
 * environment, since pipelines name variables that a worker looks up.
 */
export function startWorkerProcess(
  home: Home,
  address: string,
  options: readonly string[] = [],
  program = new URL('./contrail.mjs', import.meta.url),
): ChildProcess {
  return spawnLogged(home, 'worker.out.log', (output) =>
    spawn(process.execPath, [fileURLToPath(program), 'worker', ...options], {
      detached: true,
      env: { ...workerEnvironment(address), CONTRAIL_HOME: home.folder },
      stdio: ['ignore', output, output] satisfies StdioOptions,
    }),
  );
}

/** Starts a process whose output goes to a log of the home. */
function spawnLogged(home: Home, name: string, start: (output: number) => ChildProcess): ChildProcess {
  mkdirSync(home.logFolder, { recursive: true, mode: 0o700 });
  const output = openSync(join(home.logFolder, name), 'a', 0o600);
  try {
    return start(output);
  } finally {
    closeSync(output);
  }
}

export async function stopDevServer(home: Home, { process: child }: Pick<StartedServer, 'process'>): Promise<void> {
  const { ended, signal } = superviseChild(child);
  signal('SIGTERM');
  await ended;
  forgetDevServer(home);
}

/**
 * Whether the server of a home answers, as that of this home and store.
 *
 * @throws ContrailError WrongServer when its database belongs to another store
 */
export async function answers(address: string, home: Home): Promise<boolean> {
  const dataConverter = dataConverterOf(payloadKeys());
  const connection = Connection.lazy({ address, connectTimeout: attemptMs });
  try {
    await connection.ensureConnected();
    const owner = await ownerOfHome(home);
    requireSameStore(
      await claimNamespace(new Client({ connection, dataConverter }), owner),
      owner,
      `The database of the server, ${home.databaseFile},`,
    );
    return true;
  } catch (error) {
    if (error instanceof ContrailError) throw error;
    return false;
  } finally {
    await connection.close();
  }
}
