import { startRun } from '../../cli/runs.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { listLeases } from '../../store/index.ts';
import type { Cluster } from './start-cluster.ts';
import { machineOf, secondsSince, training, until } from './watching.ts';

/** What became of a run, by what it is called in the table. */
export type Course = Readonly<Record<string, number | string | null>>;

/** Runs the pipeline to its end, and disturbs it meanwhile. */
export async function runPipeline(
  cluster: Cluster,
  run: string,
  disturb: (cluster: Cluster, run: string) => Promise<() => Course>,
): Promise<Course> {
  const begun = performance.now();
  await startText(cluster, run, pipeline);
  const courseOf = await disturb(cluster, run);
  await untilComplete(cluster, run);
  const leases = await listLeases(cluster.store, { run, step: training });
  return {
    ...courseOf(),
    'the training changed hands': leases.length - 1,
    'workers that trained': new Set(leases.map(machineOf)).size,
    's in all': secondsSince(begun),
  };
}

/** Starts a run that takes nothing from others. */
export const startText = ({ client, store }: Cluster, run: string, text: string) =>
  startRun(client, store, run, parsePipeline({ text, file: `${run}.yaml` }), false, { useCache: false });

/** @throws Error when the run ends in another way */
export const untilComplete = (cluster: Cluster, run: string): Promise<true> =>
  until(`the end of ${run}`, cluster, async () => {
    const state = await stateOf(cluster, run);
    if (state === 'COMPLETED') return true;
    if (state === null || state === 'RUNNING') return null;
    throw new Error(`the run ${run} has ${state.toLowerCase()}`);
  });

const attemptMs = 5000;

/** Null while the server does not answer. */
async function stateOf({ client: { client } }: Cluster, run: string): Promise<string | null> {
  try {
    const described = await client.withDeadline(Date.now() + attemptMs, () =>
      client.workflow.getHandle(run).describe(),
    );
    return described.status.name;
  } catch {
    return null;
  }
}

/** Checkpoints come several times an epoch, so that little is trained twice. */
export const everySteps = 10;

const pipeline = `
name: cluster
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 6400 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
      projection: { hidden: 32, output: 16 }
      optimizer: { name: adam, learningRate: 0.01 }
      batch: 64
      epochs: 6
      seed: 3
      checkpoint: { everySteps: ${everySteps}, keep: { last: 50 } }
  probe: { uses: linear-probe, needs: [pretrain], with: { epochs: 10, batch: 64, learningRates: [0.05] } }
  evaluate: { uses: evaluate, needs: [probe] }
`;
