import { setTimeout as delay } from 'node:timers/promises';
import { ContrailError } from '../contracts/errors.ts';
import { type Home, makeHome } from '../home/home.ts';
import {
  addressOf,
  type DevServer,
  forgetDevServer,
  recordDevServer,
  recordedDevServer,
  recordedProcesses,
  runningServer,
} from './dev-record.ts';
import { answers, type Ports, portsOf, startDevServer, startWorkerProcess } from './dev-server.ts';
import { whenKilled } from './interrupt.ts';
import { type Lock, signerOf, signLock, takeLock } from './locks.ts';
import { killTree, type Supervised, stopProcess, superviseChild, superviseOther } from './processes.ts';

/** A server and a worker that serve a home. */
export interface DevEnvironment {
  readonly server: DevServer;
  readonly address: string;
  /** False where another process looks after both; they are left alone. */
  readonly started: boolean;
  /** What was found running, with nobody to look after it. */
  readonly takenOver: readonly ('server' | 'worker')[];
  /** Stops what is looked after here: the worker first, so that its trainers can checkpoint. */
  readonly stop: () => Promise<void>;
  /** Lets this process end without what is looked after here. @returns the processes that go on */
  readonly leave: () => Pick<DevServer, 'server' | 'worker'>;
}

const restartDelayMs = 1000;
const patienceMs = 20_000;
const pollMs = 250;
/** A worker without a server cannot say good-bye to it. */
const workerEndMs = 15_000;

/**
 * Looks after the server and the worker of this home, until `stop`: takes over what runs without anybody to look after it,
 * starts what is missing, and starts again what dies. Where another process does so already, it is left to it.
 *
 * @param workerOptions what the worker's command line has beside what it always has
 * @throws ContrailError ServerUnreachable when the server of the home lives and does not answer
 */
export async function startDevEnvironment(
  home: Home,
  ports: Ports,
  log: (line: string) => void,
  workerOptions: readonly string[] = [],
): Promise<DevEnvironment> {
  await makeHome(home);
  const lock = takeLock(home.devLock);
  if (!lock) return environmentOfAnother(await answeringServer(home));
  try {
    signLock(home.devLock, lock);
    return await keep(home, ports, log, lock, workerOptions);
  } catch (error) {
    lock.close();
    throw error;
  }
}

const environmentOfAnother = (server: DevServer): DevEnvironment => ({
  server,
  address: addressOf(server),
  started: false,
  takenOver: [],
  stop: async () => {},
  leave: () => server,
});

/** The server that serves the home, once it answers. */
async function answeringServer(home: Home): Promise<DevServer> {
  let found: DevServer | null = null;
  for (const until = Date.now() + patienceMs; Date.now() < until; await delay(pollMs)) {
    found = recordedDevServer(home);
    if (found && found.server > 0 && (await answers(addressOf(found), home))) return found;
  }
  throw new ContrailError(
    'ServerUnreachable',
    found
      ? `The server of ${home.folder} lives (process ${found.server || found.keeper}, ${addressOf(found)}) but does not answer. Wait, or end it with \`kill ${[found.keeper, found.server].filter(Boolean).join(' ')}\`.`
      : `Process ${signerOf(home.devLock) || 'of another container'} looks after ${home.folder} (it holds ${home.devLock}), but its server does not come up. Wait, or end it.`,
  );
}

async function keep(
  home: Home,
  ports: Ports,
  log: (line: string) => void,
  lock: Lock,
  workerOptions: readonly string[],
): Promise<DevEnvironment> {
  const left = await takeOver(home);
  const first = left ? null : await startDevServer(home, ports);
  const { server: pid, port, uiPort } = first ?? (left as DevServer);
  let serving: DevServer = { server: pid, worker: left?.worker ?? 0, keeper: process.pid, port, uiPort };
  const record = (change: Partial<DevServer>) => {
    const { server, worker, keeper, port, uiPort } = { ...serving, ...change };
    serving = { server, worker, keeper, port, uiPort };
    recordDevServer(home, serving);
  };

  const worker = keepRunning(
    'The worker',
    async () => {
      const started = superviseChild(startWorkerProcess(home, addressOf(serving), ['--own-steps', ...workerOptions]));
      record({ worker: started.pid });
      return started;
    },
    serving.worker > 0 ? superviseOther(serving.worker) : null,
    log,
  );
  const server = keepRunning(
    "Temporal's server",
    async () => {
      const before = serving.port;
      const started = await startDevServer(home, portsOf(serving));
      record(started);
      if (started.port !== before) {
        log(`Port ${before} was taken meanwhile; the server is at ${addressOf(started)} now`);
        worker.restart();
      }
      return superviseChild(started.process);
    },
    first ? superviseChild(first.process) : superviseOther(serving.server),
    log,
  );
  await worker.started;
  record({});
  const forget = whenKilled(() => [serving.worker, serving.server].filter((pid) => pid > 0).flatMap(killTree));
  const stop = async () => {
    await worker.stop();
    await server.stop();
    forgetDevServer(home);
    forget();
    lock.close();
  };
  let stopped: Promise<void> | undefined;
  return {
    server: serving,
    address: addressOf(serving),
    started: true,
    takenOver: [...(left?.server ? ['server' as const] : []), ...(left?.worker ? ['worker' as const] : [])],
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    leave: () => {
      worker.leave();
      server.leave();
      forget();
      record({ keeper: 0 });
      lock.close();
      return { server: serving.server, worker: serving.worker };
    },
  };
}

/** A server that runs with nobody to look after it, and its worker; a worker without a server is told to end. */
async function takeOver(home: Home): Promise<DevServer | null> {
  const left = recordedProcesses(home);
  const unrecorded = left?.server ? null : runningServer(home);
  if (unrecorded) recordDevServer(home, { ...unrecorded, worker: left?.worker ?? 0 });
  if (unrecorded || left?.server) return answeringServer(home);
  if (left?.worker) {
    const worker = superviseOther(left.worker);
    await Promise.race([stopProcess(worker), delay(workerEndMs).then(() => killTree(left.worker))]);
  }
  return null;
}

/** A process that is kept running. */
interface Kept {
  /** It runs, for the first time. */
  readonly started: Promise<void>;
  readonly restart: () => void;
  readonly stop: () => Promise<void>;
  readonly leave: () => void;
}

/** Has a process run until it is told to stop; `found` is one that runs already. */
function keepRunning(
  what: string,
  start: () => Promise<Supervised>,
  found: Supervised | null,
  log: (line: string) => void,
): Kept {
  const stopping = new AbortController();
  const stopped = new Promise<null>((resolve) =>
    stopping.signal.addEventListener('abort', () => resolve(null), { once: true }),
  );
  let running = found;
  let tellStarted = () => {};
  const started = new Promise<void>((resolve) => {
    tellStarted = resolve;
  });
  const kept = (async () => {
    while (!stopping.signal.aborted) {
      try {
        running ??= await start();
        tellStarted();
        const how = await Promise.race([running.ended, stopped]);
        if (how === null) return;
        log(`${what} ended (${how}); starting it again`);
      } catch (error) {
        log(error instanceof Error ? error.message : String(error));
      }
      running = null;
      await Promise.race([delay(restartDelayMs), stopped]);
    }
  })();
  return {
    started,
    restart: () => running?.signal('SIGTERM'),
    stop: async () => {
      stopping.abort();
      await kept;
      if (running) await stopProcess(running);
    },
    leave: () => {
      stopping.abort();
      running?.release();
    },
  };
}
