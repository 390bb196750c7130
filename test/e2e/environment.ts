import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { trainersOf } from '../../bench/trainer-processes.ts';
import { connect, type ServerClient } from '../../cli/connection.ts';
import { addressOf } from '../../cli/dev-record.ts';
import { freePorts, portsOf, startDevServer, startWorkerProcess, stopDevServer } from '../../cli/dev-server.ts';
import { superviseChild } from '../../cli/processes.ts';
import { type StartOptions, startRun } from '../../cli/runs.ts';
import { type Home, openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore, type Store } from '../../store/index.ts';

/** A real server, worker and trainer in a home of their own. Anything in it may be killed. */
export interface TestEnvironment {
  readonly home: Home;
  readonly store: Store;
  readonly client: () => ServerClient;
  readonly start: (run: string, text: string, resume?: boolean, options?: StartOptions) => Promise<void>;
  /** Waits for the end of a run; gives its results by step. */
  readonly result: (run: string) => Promise<Record<string, Record<string, unknown>>>;
  readonly trainerRuns: (run: string) => boolean;
  /** @throws Error with the worker's last words when it has ended by itself, instead of a wait for what never comes */
  readonly requireWorker: () => void;
  /** Each kills with SIGKILL. @throws Error when that process does not run */
  readonly killTrainer: (run: string) => Promise<void>;
  readonly killWorker: () => Promise<void>;
  /** Stops the worker as a person does, and starts that of another version of the code. */
  readonly upgradeWorker: (program: URL) => Promise<void>;
  readonly killServer: () => Promise<void>;
  /** Kills worker and server, moves the server's database away, and starts both again: the server knows no run any more. */
  readonly loseDatabase: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param workerOptions what the worker's command line has
 * @param storeUrl of a store that is not in the home
 */
export async function startTestEnvironment(
  workerOptions: readonly string[] = [],
  storeUrl?: string,
): Promise<TestEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-e2e-'));
  if (storeUrl === undefined) delete process.env.CONTRAIL_STORE;
  else process.env.CONTRAIL_STORE = storeUrl;
  const home = openHome({ CONTRAIL_HOME: folder, ...(storeUrl === undefined ? {} : { CONTRAIL_STORE: storeUrl }) });
  const store = openStore(home.storeUrl);
  let server = await startDevServer(home, freePorts);
  const address = addressOf(server);
  process.env.TEMPORAL_ADDRESS = address;
  let worker = startWorkerProcess(home, address, workerOptions);
  let client = await connect(home);

  return {
    home,
    store,
    client: () => client,
    start: async (run, text, resume = false, options = {}) => {
      await startRun(client, store, run, parsePipeline({ text, file: 'test.yaml' }), resume, options);
    },
    result: async (run) => {
      for (;;) {
        try {
          return (await client.client.workflow.getHandle(run).result()) as Record<string, Record<string, unknown>>;
        } catch (error) {
          // A server that was killed comes back.
          if (error instanceof Error && error.name !== 'ServiceError') throw error;
          await sleep(500);
        }
      }
    },
    trainerRuns: (run) => trainersOf(run).length > 0,
    requireWorker: () => {
      if (worker.exitCode === null && worker.signalCode === null) return;
      const said = readFileSync(join(home.logFolder, 'worker.out.log'), 'utf8');
      throw new Error(`the worker has ended by itself (${worker.exitCode ?? worker.signalCode}): ${said.slice(-2000)}`);
    },
    killTrainer: async (run) => {
      const [pid] = trainersOf(run);
      if (pid === undefined) throw new Error(`no trainer of ${run} runs`);
      process.kill(pid, 'SIGKILL');
    },
    killWorker: async () => {
      kill(worker);
      await superviseChild(worker).ended;
      worker = startWorkerProcess(home, address, workerOptions);
    },
    upgradeWorker: async (program) => {
      worker.kill('SIGTERM');
      await superviseChild(worker).ended;
      worker = startWorkerProcess(home, address, workerOptions, program);
    },
    killServer: async () => {
      kill(server.process);
      await superviseChild(server.process).ended;
      server = await startDevServer(home, portsOf(server));
      await client.close().catch(() => undefined);
      client = await connect(home);
    },
    loseDatabase: async () => {
      kill(worker);
      await superviseChild(worker).ended;
      kill(server.process);
      await superviseChild(server.process).ended;
      await rename(dirname(home.databaseFile), join(folder, 'lost'));
      server = await startDevServer(home, portsOf(server));
      await client.close().catch(() => undefined);
      client = await connect(home);
      worker = startWorkerProcess(home, address, workerOptions);
    },
    stop: async () => {
      worker.kill('SIGTERM');
      await superviseChild(worker).ended;
      await client.close();
      await stopDevServer(home, server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function kill(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || !child.kill('SIGKILL'))
    throw new Error(`process ${child.pid} had ended before it was killed`);
}

/** A small training on generated images: seconds long, with checkpoints within its epochs. */
export const smallPipeline = ({ epochs = 8, seed = 3, learningRate = 0.05 } = {}) => `
name: small
steps:
  data:
    uses: prepare-data
    with: { dataset: generated, generated: { classes: 4, images: 640 } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
      projection: { hidden: 32, output: 16 }
      loss: { supcon: { temperature: 0.1 } }
      augmentation: { flip: 0, rotation: 0.02, zoom: 0.1 }
      optimizer: { name: adam, learningRate: ${learningRate} }
      batch: 32
      epochs: ${epochs}
      seed: ${seed}
      checkpoint: { everySteps: 5, keep: { last: 50 } }
  probe: { uses: linear-probe, needs: [pretrain], with: { epochs: 30, batch: 64, learningRates: [0.05] } }
  evaluate: { uses: evaluate, needs: [probe] }
`;
