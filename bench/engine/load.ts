import { connect, ownServer } from '../../cli/connection.ts';
import { freePorts, startDevServer, stopDevServer } from '../../cli/dev-server.ts';
import { startRun } from '../../cli/runs.ts';
import { openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore } from '../../store/index.ts';
import { startWorker } from '../../worker/worker.ts';
import { withFolder } from '../folder.ts';
import { watchEventLoop } from './event-loop.ts';
import { readTimes } from './history.ts';

const trainings = 100;
/** Temporal's word for the latest execution of an id. */
const latest = '';

/**
 * A hundred small trainings at once on one worker, each with data of its own: whether a workflow task times out, how
 * long the worker's event loop is held up, and whether its memory grows.
 */
export const benchLoad = (): Promise<object[]> =>
  withFolder(async (folder) => {
    const home = openHome({ CONTRAIL_HOME: folder });
    const started = await startDevServer(home, freePorts);
    const server = ownServer(started);
    const queues = [
      { queue: 'cpu', slots: 2 },
      { queue: 'gpu', slots: 2 },
    ];
    const worker = await startWorker(home, { queues, log: () => {}, server });
    const client = await connect(home, server);
    const store = openStore(home.storeUrl);
    const memory = () => Math.round(process.memoryUsage().rss / 2 ** 20);
    const resident: number[] = [memory()];
    const sampler = setInterval(() => resident.push(memory()), 1000);
    try {
      const runs = Array.from({ length: trainings }, (_, seed) => {
        const run = `small-${seed}`;
        // Whoever starts runs reads their files in another process than the worker's.
        return { run, plan: parsePipeline({ text: small(seed), file: `${run}.yaml` }) };
      });
      const begun = performance.now();
      const { value: executions, heldUp } = await watchEventLoop(async () => {
        const ids = await Promise.all(
          runs.map(({ run, plan }) => startRun(client, store, run, plan, false, { useCache: false })),
        );
        await Promise.all(runs.map(({ run }) => client.client.workflow.getHandle(run).result()));
        return ids;
      });
      const seconds = (performance.now() - begun) / 1000;
      const times = await Promise.all(
        runs.flatMap(({ run }, at) => [
          readTimes(client.client, run, executions[at] ?? '', () => false),
          readTimes(client.client, `${run}/pretrain`, latest, () => false),
        ]),
      );
      const half = resident.slice(Math.floor(resident.length / 2));
      return [
        {
          trainings,
          seconds,
          'workflow tasks that timed out': times.reduce((sum, { timedOut }) => sum + timedOut, 0),
          'event loop held up, p99 ms': heldUp.p99,
          'longest, ms': heldUp.max,
          'MiB at the start': resident[0],
          'peak, first half': Math.max(...resident.slice(0, Math.ceil(resident.length / 2))),
          'peak, second half': Math.max(...half),
        },
      ];
    } finally {
      clearInterval(sampler);
      await client.close();
      worker.stop();
      await worker.stopped;
      await stopDevServer(home, started);
    }
  });

const small = (seed: number): string => `
name: small
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { images: 160, classes: 4 }, seed: ${seed} } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 4, blocks: [1] }
      projection: { hidden: 16, output: 8 }
      batch: 16
      epochs: 2
      seed: ${seed}
`;
