import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { startServer } from '../workflows/interpreter.ts';

/** Workers of which one polls and the next has loaded, so that a kill costs no time of loading. */
export interface KillableWorkers {
  /** Has the prepared worker begin, waits until it polls, and prepares the next. */
  readonly next: () => Promise<void>;
  /** Kills the one that polls. */
  readonly kill: () => void;
  /** What they wrote down. */
  readonly lines: () => Promise<string[]>;
  readonly store: string;
  readonly stop: () => void;
}

/** @param folder where their store and log are */
function killableWorkers(folder: string, address: string): KillableWorkers {
  const store = join(folder, 'store');
  const log = join(folder, 'log');
  let worker: ChildProcess | undefined;
  let prepared: ChildProcess | undefined;
  const lines = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const readyLines = async () => (await lines()).filter((line) => line === 'ready').length;
  /** A worker process that has loaded, or soon will have, and waits to be told to begin. */
  const prepare = () => {
    const program = fileURLToPath(new URL('./processes/killable-worker.ts', import.meta.url));
    return spawn(process.execPath, ['--import', 'tsx', program, address, store, log], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  };
  return {
    store,
    lines,
    next: async () => {
      worker = prepared ?? prepare();
      const before = await readyLines();
      worker.send('begin');
      while ((await readyLines()) === before) {
        if (worker.exitCode !== null) throw new Error('the worker did not start');
        await sleep(50);
      }
      prepared = prepare();
    },
    kill: () => void worker?.kill('SIGKILL'),
    stop: () => {
      for (const child of [worker, prepared]) child?.kill('SIGKILL');
    },
  };
}

/** What the tests of a file have that calls `useKillableWorkers`: a server, and workers of it. */
export let environment: Awaited<ReturnType<typeof startServer>>;
export let workers: KillableWorkers;

/** Gives the tests of the file that calls this a server of its own, and workers to kill. */
export function useKillableWorkers(): void {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-kills-'));
    environment = await startServer([]);
    workers = killableWorkers(folder, environment.address);
  }, 180_000);
  afterAll(async () => {
    workers.stop();
    await environment.teardown();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);
}
