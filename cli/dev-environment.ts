import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Home } from '../worker/home.ts';
import {
  addressOf,
  type DevServer,
  findDevServer,
  isAlive,
  recordDevServer,
  startDevServer,
  startWorkerProcess,
  stopDevServer,
} from './dev-server.ts';

/** A server and a worker that serve a home. */
export interface DevEnvironment {
  readonly server: DevServer;
  readonly address: string;
  /** False where both were there already; they are left alone. */
  readonly started: boolean;
  /** Stops what was started here: the worker first, so that its trainers can checkpoint. */
  readonly stop: () => Promise<void>;
  /** Lets this process end without what was started here. @returns the processes that go on */
  readonly leave: () => Pick<DevServer, 'server' | 'worker'>;
}

/** A process that is kept running. */
interface Kept {
  readonly stop: () => Promise<void>;
  readonly leave: () => void;
}

const restartDelayMs = 1000;

/**
 * Takes the server and the worker that serve this home, and starts what is missing. What was started here and dies is started
 * again, until `stop`.
 */
export async function startDevEnvironment(
  home: Home,
  ports: { readonly port: number; readonly uiPort: number },
  log: (line: string) => void,
): Promise<DevEnvironment> {
  const existing = await findDevServer(home);
  const started = existing ? null : await startDevServer(home, ports);
  const server = existing ?? started;
  if (!server) throw new Error('there is a server now');
  let serving: DevServer = server;
  const record = (change: Partial<DevServer>) => {
    serving = { ...serving, ...change };
    return recordDevServer(home, serving);
  };
  const keptServer = started ? keepServer(home, started, record, log) : null;
  const keptWorker = existing && isAlive(existing.worker) ? null : keepWorker(home, addressOf(server), record, log);
  return {
    server,
    address: addressOf(server),
    started: keptServer !== null || keptWorker !== null,
    stop: async () => {
      await keptWorker?.stop();
      await keptServer?.stop();
    },
    leave: () => {
      keptWorker?.leave();
      keptServer?.leave();
      return { server: serving.server, worker: serving.worker };
    },
  };
}

/** Writes down which process it is now. */
type RecordServing = (change: Partial<DevServer>) => Promise<void>;

/** Has the server that was started run, on its ports, until it is told to stop. */
function keepServer(
  home: Home,
  first: Awaited<ReturnType<typeof startDevServer>>,
  record: RecordServing,
  log: (line: string) => void,
): Kept {
  const stopping = new AbortController();
  let server = first;
  const kept = (async () => {
    while (!stopping.signal.aborted) {
      const how = await ended(server.process, stopping.signal);
      if (how === null) return;
      log(`Temporal's server ended (${how}); starting it again`);
      while (!stopping.signal.aborted)
        try {
          await delay(restartDelayMs);
          server = await startDevServer(home, first);
          await record({ server: server.server });
          break;
        } catch (error) {
          log(error instanceof Error ? error.message : String(error));
        }
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await kept;
      await stopDevServer(home, server);
    },
    leave: () => server.process.unref(),
  };
}

/** How a process ended; null where it has not when the signal comes. */
const ended = (child: ChildProcess, signal: AbortSignal) =>
  new Promise<string | null>((resolve) => {
    const say = () => resolve(child.signalCode ?? `exit code ${child.exitCode}`);
    if (child.exitCode !== null || child.signalCode !== null) return say();
    child.once('exit', say);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });

/** Runs a worker until it is told to stop. */
function keepWorker(home: Home, address: string, record: RecordServing, log: (line: string) => void): Kept {
  let stopping = false;
  let worker: ChildProcess | undefined;
  const launch = () => {
    worker = startWorkerProcess(home, address);
    void record({ worker: worker.pid ?? 0 });
    worker.once('exit', (code, signal) => {
      if (stopping) return;
      log(`The worker ended (${signal ?? `exit code ${code}`}); starting it again`);
      setTimeout(() => {
        if (!stopping) launch();
      }, restartDelayMs);
    });
  };
  launch();
  return {
    stop: async () => {
      stopping = true;
      if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
      const exited = new Promise((resolve) => worker?.once('exit', resolve));
      worker.kill('SIGTERM');
      await exited;
    },
    leave: () => worker?.unref(),
  };
}
