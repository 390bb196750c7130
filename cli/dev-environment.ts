import type { ChildProcess } from 'node:child_process';
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
  /** The server was there already, and is left alone. */
  readonly found: boolean;
  /** Stops what was started here: the worker first, so that its trainers can checkpoint. */
  readonly stop: () => Promise<void>;
}

const restartDelayMs = 1000;

/**
 * Takes the server and the worker that serve this home, and starts what is missing. A worker started here that dies is
 * started again, until `stop`.
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
  const address = addressOf(server);
  const stopWorker = existing && isAlive(existing.worker) ? async () => {} : keepWorker(home, server, log);
  return {
    server,
    address,
    found: existing !== null,
    stop: async () => {
      await stopWorker();
      if (started) await stopDevServer(home, started);
    },
  };
}

/** Runs a worker until it is told to stop; returns how to tell it. */
function keepWorker(home: Home, server: DevServer, log: (line: string) => void): () => Promise<void> {
  let stopping = false;
  let worker: ChildProcess | undefined;
  const launch = () => {
    worker = startWorkerProcess(home, addressOf(server));
    void recordDevServer(home, { ...server, worker: worker.pid ?? 0 });
    worker.once('exit', (code, signal) => {
      if (stopping) return;
      log(`The worker ended (${signal ?? `exit code ${code}`}); starting it again`);
      setTimeout(() => {
        if (!stopping) launch();
      }, restartDelayMs);
    });
  };
  launch();
  return async () => {
    stopping = true;
    if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
    const exited = new Promise((resolve) => worker?.once('exit', resolve));
    worker.kill('SIGTERM');
    await exited;
  };
}
