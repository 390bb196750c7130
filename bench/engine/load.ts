import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, ownServer } from '../../cli/connection.ts';
import { addressOf } from '../../cli/dev-record.ts';
import { freePorts, startDevServer, startWorkerProcess, stopDevServer } from '../../cli/dev-server.ts';
import { superviseChild } from '../../cli/processes.ts';
import { startRun } from '../../cli/runs.ts';
import { openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { inLanes } from '../../store/in-lanes.ts';
import { openStore } from '../../store/index.ts';
import { startWorker } from '../../worker/worker.ts';
import { withFolder } from '../folder.ts';
import { residentMebibytes } from '../memory-use.ts';
import { median } from '../statistics.ts';
import { watchEventLoop } from './event-loop.ts';
import { type EngineTimes, readTimes, type WorkflowTask } from './history.ts';

interface Load {
  readonly what: string;
  /** The first is this process, which is the one that is measured. */
  readonly workers: number;
  readonly runs: number;
  /** So many trainings has each run. */
  readonly trainings: number;
}

const loads: readonly Load[] = [
  { what: '200 runs at once', workers: 1, runs: 200, trainings: 1 },
  { what: '10 workers on a queue', workers: 10, runs: 200, trainings: 1 },
  { what: 'a matrix of 500', workers: 1, runs: 1, trainings: 500 },
];
/** Temporal's word for the latest execution of an id. */
const latest = '';
const sampledMs = 1000;
const readAtOnce = 8;

/**
 * Many small trainings at once: whether a workflow task times out, how long the worker's event loop is held up, and whether its
 * memory, its descriptors and the time of a workflow task are in the second half what they were in the first.
 *
 * @param only leaves out loads whose name does not hold it; all where empty
 */
export async function benchLoad(only: string): Promise<object[]> {
  const rows: object[] = [];
  for (const load of loads) if (load.what.includes(only)) rows.push(await measured(load));
  return rows;
}

const measured = ({ what, workers, runs: count, trainings }: Load): Promise<object> =>
  withFolder(async (folder) => {
    const home = openHome({ CONTRAIL_HOME: folder });
    const started = await startDevServer(home, freePorts);
    const server = ownServer(started);
    const queues = [
      { queue: 'cpu', slots: 2 },
      { queue: 'gpu', slots: workers === 1 ? 2 : 1 },
    ];
    const worker = await startWorker(home, { queues, log: () => {}, server });
    const others: readonly ChildProcess[] = Array.from({ length: workers - 1 }, () =>
      startWorkerProcess(home, addressOf(started)),
    );
    const client = await connect(home, server);
    const store = openStore(home.storeUrl);
    const samples: { readonly memory: number; readonly descriptors: number }[] = [];
    const sample = () =>
      samples.push({ memory: residentMebibytes('now'), descriptors: readdirSync('/proc/self/fd').length });
    sample();
    const sampler = setInterval(sample, sampledMs);
    try {
      const runs = Array.from({ length: count }, (_, seed) => {
        const run = `small-${seed}`;
        // Whoever starts runs reads their files in another process than the worker's.
        return { run, plan: parsePipeline({ text: small(seed, trainings), file: `${run}.yaml` }) };
      });
      let ended = 0;
      const begun = performance.now();
      const { value: executions, heldUp } = await watchEventLoop(async () => {
        const ids = await Promise.all(
          runs.map(({ run, plan }) => startRun(client, store, run, plan, false, { useCache: false })),
        );
        await Promise.all(
          runs.map(async ({ run }) => {
            await client.client.workflow.getHandle(run).result();
            ended++;
            if (ended % 10 === 0) process.stderr.write(`load: ${what}: ${ended} of ${count} runs\n`);
          }),
        );
        return ids;
      });
      const seconds = (performance.now() - begun) / 1000;
      const workflows = runs.flatMap(({ run }, seed) => [
        { id: run, execution: executions[seed] ?? latest },
        ...seedsOf(seed, trainings).map((each) => ({ id: `${run}/pretrain@seed=${each}`, execution: latest })),
      ]);
      const times: EngineTimes[] = [];
      await inLanes(readAtOnce, workflows, async ({ id, execution }) => {
        times.push(await readTimes(client.client, id, execution, () => false));
      });
      const tasks = times.flatMap(({ workflowTasks }) => workflowTasks).toSorted((a, b) => a.at - b.at);
      const memory = halves(samples.map((each) => each.memory));
      const descriptors = halves(samples.map((each) => each.descriptors));
      return {
        what,
        trainings: count * trainings,
        workers,
        seconds,
        'workflow tasks that timed out': times.reduce((sum, { timedOut }) => sum + timedOut, 0),
        'event loop held up, p99 ms': heldUp.p99,
        'longest, ms': heldUp.max,
        'MiB at the start': memory.first[0],
        'peak, first half': Math.max(...memory.first),
        'peak, second half': Math.max(...memory.second),
        'descriptors, first half': Math.max(...descriptors.first),
        'descriptors, second half': Math.max(...descriptors.second),
        'workflow task, ms, first half': medianOf(halves(tasks).first),
        'ms, second half': medianOf(halves(tasks).second),
      };
    } finally {
      clearInterval(sampler);
      await client.close();
      for (const other of others) other.kill('SIGTERM');
      await Promise.all(others.map((other) => superviseChild(other).ended));
      worker.stop();
      await worker.stopped;
      await stopDevServer(home, started);
    }
  });

function halves<T>(values: readonly T[]): { readonly first: readonly T[]; readonly second: readonly T[] } {
  const middle = Math.ceil(values.length / 2);
  return { first: values.slice(0, middle), second: values.slice(middle) };
}

const medianOf = (tasks: readonly WorkflowTask[]) => median(tasks.map(({ ms }) => ms));

const seedsOf = (first: number, trainings: number) => Array.from({ length: trainings }, (_, at) => first + at);

const small = (seed: number, trainings: number): string => `
name: small
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { images: 160, classes: 4 }, seed: ${seed} } }
  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { seed: [${seedsOf(seed, trainings).join(', ')}] }
    with:
      encoder: { name: small-resnet, channels: 4, blocks: [1] }
      projection: { hidden: 16, output: 8 }
      batch: 16
      epochs: 2
      seed: "\${matrix.seed}"
`;
