import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { batchPlan, describeDataset } from '../datasets/index.ts';
import { openStore } from '../store/index.ts';
import { withFolder } from './folder.ts';
import { prepareData, type SmallTraining, trainInProcess } from './training-run.ts';

export interface BitsRow {
  readonly run: string;
  /** Where the trainer was killed. */
  readonly epoch: number | null;
  readonly step: number | null;
  /** Where the attempt that finished the epoch had gone on from: steps of that epoch. */
  readonly resumedAt: number | null;
  /** Of the whole state: after the epoch of the kill, or at the end. */
  readonly digest: string;
  /** It is that of the first run at the same place. */
  readonly same: boolean;
}

const epochs = 6;
const batch = 64;
const training: SmallTraining = {
  images: 1000,
  parameters: {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    batch,
    epochs,
    seed: 5,
    checkpoint: { everySteps: 3, keep: { last: 1000 } },
  },
};
const kills = 10;

/**
 * A training by the trainer's real jobs, three times, each in processes of its own: twice undisturbed, and once with its
 * trainer ended by SIGKILL at ten random steps, after each of which another goes on from the store's checkpoints.
 */
export async function benchBits(): Promise<BitsRow[]> {
  return withFolder(async (folder) => {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const store = openStore(storeUrl);
    const dataset = await prepareData(store, training.images, folder);
    const { splits } = await describeDataset(store, dataset);
    const { steps } = batchPlan({ count: splits.train.count, batch, seed: 0, epoch: 1 });
    const train = (run: string, killAt: readonly number[] = []) =>
      trainInProcess(storeUrl, run, dataset, training.parameters, killAt);
    const first = await train('first');
    const digests = new Map(first.map(({ epoch, digest }) => [epoch, digest]));
    const row = (run: string, epoch: number, digest: string, place: Pick<BitsRow, 'epoch' | 'step' | 'resumedAt'>) => ({
      ...{ run, ...place, digest: digest.slice(0, 16), same: digests.get(epoch) === digest },
    });
    const atEnd = (run: string, digest: string | undefined) =>
      row(run, epochs, digest ?? '', { epoch: null, step: null, resumedAt: null });

    const second = await train('second');
    const killed = await train('killed', randomSteps(epochs * steps));
    return [
      atEnd('first', first.at(-1)?.digest),
      atEnd('second', second.at(-1)?.digest),
      ...killed.flatMap(({ kills, epoch, digest, resumedFrom }) =>
        kills.map(({ step }) => row('killed', epoch, digest, { epoch, step, resumedAt: resumedFrom?.step ?? null })),
      ),
      atEnd('killed, at the end', killed.at(-1)?.digest),
    ];
  });
}

/** As many different steps as there are kills, from 1. */
function randomSteps(steps: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < kills) chosen.add(randomInt(1, steps + 1));
  return [...chosen];
}
