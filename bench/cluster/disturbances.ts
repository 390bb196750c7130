import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { comparePoints } from '../../store/index.ts';
import { type Course, startText, untilComplete } from './runs.ts';
import type { Cluster } from './start-cluster.ts';
import { holderOf, newestPoint, type Point, secondsSince, training, until } from './watching.ts';
import type { ClusterWorker } from './worker.ts';

/** What is done to a run; gives what came of it, once the run is complete. */
export type Disturbance = (cluster: Cluster, run: string) => Promise<() => Course>;

const serverAwayMs = 10_000;

/**
 * The worker that trains is cut off in mid-epoch. Once another trains, the server is killed, and started again ten seconds later. The link is
 * healed when the trainer on the other side of it has ended by itself; the worker must take work again.
 */
export const cutOffForLong: Disturbance = async (cluster, run) => {
  const cut = await cutOff(cluster, run);
  const takenOver = await untilTakenOver(cluster, run, cut);
  await untilInMidEpoch(cluster, run, takenOver.point.epoch);
  await cluster.temporal.kill();
  await sleep(serverAwayMs);
  const before = await newestPoint(cluster.store, { run, step: training });
  await cluster.temporal.start();
  const back = performance.now();
  await until('an epoch after the server is back', cluster, async () => {
    const point = await newestPoint(cluster.store, { run, step: training });
    return point && before && point.epoch > before.epoch ? true : null;
  });
  const epochAfterServer = secondsSince(back);
  const gaveUp = await until('the end of the trainer that is cut off', cluster, async () =>
    (await hasTrainer(cut.worker, run)) ? null : secondsSince(cut.at),
  );
  const healed = await heal(cluster, run, cut, takenOver);
  return () => ({
    ...describe(cut, takenOver),
    'server away, s': serverAwayMs / 1000,
    'server back to the end of an epoch, s': epochAfterServer,
    'cut to the end of the trainer behind it, s': gaveUp,
    ...healed(),
  });
};

/** The worker that trains is cut off in mid-epoch, and its link is healed as soon as another has taken over: it still tries to write. */
export const cutOffBriefly: Disturbance = async (cluster, run) => {
  const cut = await cutOff(cluster, run);
  const takenOver = await untilTakenOver(cluster, run, cut);
  const healed = await heal(cluster, run, cut, takenOver);
  return () => ({ ...describe(cut, takenOver), ...healed() });
};

interface Cut {
  readonly worker: ClusterWorker;
  readonly token: number;
  readonly point: Point;
  readonly at: number;
}

async function cutOff(cluster: Cluster, run: string): Promise<Cut> {
  const { point, holder } = await untilInMidEpoch(cluster, run, 1);
  const worker = cluster.workers.find(({ machine }) => machine.name === holder.machine);
  if (!worker) throw new Error(`${run} is trained by ${holder.machine}, which is none of the workers`);
  await worker.machine.cutOff();
  process.stderr.write(
    `cluster: ${worker.machine.name} is cut off at step ${point.step} of epoch ${point.epoch + 1}\n`,
  );
  return { worker, token: holder.token, point, at: performance.now() };
}

/** Waits for a checkpoint within an epoch that whoever trains now wrote. */
const untilInMidEpoch = ({ store, ...cluster }: Cluster, run: string, epoch: number) =>
  until(`${run} in the middle of an epoch`, cluster, async () => {
    const [point, holder] = await Promise.all([
      newestPoint(store, { run, step: training }),
      holderOf(store, { run, step: training }),
    ]);
    if (!point || !holder || point.epoch < epoch || point.step === 0 || point.token !== holder.token) return null;
    return { point, holder };
  });

interface TakenOver {
  readonly by: string;
  /** Seconds from the cut to the lease. */
  readonly lease: number;
  /** Seconds from the cut to a checkpoint that goes further than what there was. */
  readonly further: number;
  readonly last: Point;
  readonly point: Point;
}

async function untilTakenOver(
  { store, ...cluster }: Cluster,
  run: string,
  { worker, token, at }: Cut,
): Promise<TakenOver> {
  const key = { run, step: training };
  const holder = await until('another worker', cluster, async () => {
    const found = await holderOf(store, key);
    return found && found.token > token ? found : null;
  });
  const lease = secondsSince(at);
  if (holder.machine === worker.machine.name) throw new Error(`${holder.machine} took the lease though it is cut off`);
  // Whatever it wrote before the cut.
  const last = await newestPoint(store, key, (point) => point.token <= token);
  if (!last) throw new Error('the checkpoints of the worker that is cut off are gone');
  const point = await until('a checkpoint of another worker', cluster, async () => {
    const found = await newestPoint(store, key, (each) => each.token > token);
    return found && comparePoints(found, last) > 0 ? found : null;
  });
  return { by: holder.machine, lease, further: secondsSince(at), last, point };
}

const describe = ({ point }: Cut, { lease, further, last }: TakenOver): Course => ({
  'cut off at': nameOf(point),
  'another goes on from': nameOf(last),
  'cut to the lease of another, s': lease,
  'cut to a checkpoint of another, s': further,
});

const nameOf = ({ epoch, step }: Point) => `epoch ${epoch + 1}, step ${step}`;

/**
 * Heals the link and has the worker do a run that only it may do.
 *
 * @throws Error when the worker has added a checkpoint to the training that it lost
 */
async function heal(
  cluster: Cluster,
  run: string,
  { worker, at, token }: Cut,
  { last }: TakenOver,
): Promise<() => Course> {
  const { name, heal: healLink } = worker.machine;
  const cutFor = secondsSince(at);
  await healLink();
  const healed = performance.now();
  await startText(cluster, `${run}-again`, onOneQueue(name));
  await untilComplete(cluster, `${run}-again`);
  const again = secondsSince(healed);
  const written = await newestPoint(cluster.store, { run, step: training }, (point) => point.token === token);
  if (written && comparePoints(written, last) > 0)
    throw new Error(`${name} wrote ${nameOf(written)} of ${run} though it had lost it at ${nameOf(last)}`);
  return () => ({
    'cut for, s': cutFor,
    'healed to the end of a run of its own, s': again,
    'its attempt ended with': errorsOf(worker, run),
  });
}

const failureSchema = z.object({
  msg: z.literal('Activity failed'),
  workflowId: z.string(),
  error: z.object({ type: z.string() }),
});

/** With which errors attempts at a training ended on a machine, as its worker's own log says. */
function errorsOf({ home }: ClusterWorker, run: string): string {
  const lines = readFileSync(join(home, 'logs', 'worker.log'), 'utf8')
    .trimEnd()
    .split('\n');
  const failures = lines.flatMap((line) => failureSchema.safeParse(JSON.parse(line)).data ?? []);
  const types = failures.filter(({ workflowId }) => workflowId === `${run}/${training}`).map(({ error }) => error.type);
  return types.length > 0 ? types.join(', ') : 'none';
}

/** Whether a trainer of a run lives on a machine. */
async function hasTrainer({ machine }: ClusterWorker, run: string): Promise<boolean> {
  return (await machine.processes()).some((pid) => titleOf(pid).startsWith(`contrail trainer ${run}/`));
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

const onOneQueue = (queue: string) => `
name: again
steps:
  data: { uses: prepare-data, queue: ${queue}, with: { dataset: generated, generated: { classes: 4, images: 160 } } }
  pretrain:
    uses: pretrain
    queue: ${queue}
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 4, blocks: [1] }, projection: { hidden: 16, output: 8 }, batch: 16, epochs: 1 }
`;
