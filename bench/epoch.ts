import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { trainEpochInput } from '../contracts/trainer.ts';
import { loadSplit, prepareDataset } from '../datasets/index.ts';
import { openHome } from '../home/home.ts';
import { openStore, type Store } from '../store/index.ts';
import { createTrainingJobs } from '../training/index.ts';
import { withFolder } from './folder.ts';
import type { EpochWorkload, KerasPeer } from './keras/peer.ts';
import { encodeNpy } from './npy.ts';
import { precisions } from './precisions.ts';
import { median } from './statistics.ts';
import { describeEncoder, describeViews, pick, resnet50v2, smallResnet } from './workloads.ts';

export interface EpochRow {
  readonly encoder: string;
  readonly views: string;
  /** Of both. */
  readonly precision: string;
  readonly images: number;
  /** Images a second, medians over epochs. */
  readonly ours: number;
  readonly keras: number;
  readonly ratioToKeras: number;
}

const trainImages = 6000;
/** A small encoder, and the tutorial's own. */
const workloads = [
  { encoder: smallResnet(16), batch: 128 },
  { encoder: resnet50v2(), batch: 128 },
];

/**
 * A whole epoch on Fashion-MNIST, as users of either run it. Ours: the trainer's job, from the batch plan to the committed
 * checkpoint. Keras's: the tutorial's recipe with tf.data, augmentation layers, `fit`, a checkpoint and a log.
 */
export async function benchEpoch(keras: KerasPeer, turns: number, only: string): Promise<EpochRow[]> {
  return withFolder(async (folder) => {
    const store = openStore(pathToFileURL(join(folder, 'store')).href);
    const { ref } = await prepareDataset(
      store,
      prepareDataParameters.parse({ dataset: 'fashion-mnist', limit: { train: trainImages, test: 100 } }),
      { cacheFolder: openHome().cacheFolder, onProgress: () => {}, signal: new AbortController().signal },
    );
    const { images, labels, count, height, width, channels } = await loadSplit(store, ref, 'train');
    const files = { images: join(folder, 'images.npy'), labels: join(folder, 'labels.npy') };
    await writeFile(files.images, encodeNpy('|u1', [count, height, width, channels], images));
    await writeFile(files.labels, encodeNpy('<i4', [count], labels));

    const jobs = createTrainingJobs();
    const rows: EpochRow[] = [];
    for (const { encoder, batch } of pick(workloads, only))
      for (const precision of precisions()) {
        const workload = { encoder, batch, precision };
        await keras.openEpoch({ ...workload, ...files, checkpoint: folder });
        const trainEpoch = epochs(store, ref, workload, jobs);
        const times = { ours: [] as number[], keras: [] as number[] };
        // The first epoch captures, or traces: it is not counted.
        for (let turn = 0; turn <= turns; turn++) {
          const started = performance.now();
          await trainEpoch();
          const seconds = (performance.now() - started) / 1000;
          const peer = (await keras.runEpoch()).seconds;
          if (turn === 0) continue;
          times.ours.push(seconds);
          times.keras.push(peer);
        }
        const [own, peer] = [median(times.ours), median(times.keras)];
        const row = {
          encoder: describeEncoder(encoder),
          views: describeViews(batch),
          precision,
          images: count,
          ours: count / own,
          keras: count / peer,
          ratioToKeras: peer / own,
        };
        rows.push(row);
        process.stderr.write(`${JSON.stringify(row)}\n`);
      }
    return rows;
  });
}

/** Each call trains the next epoch of one training. */
function epochs(
  store: Store,
  dataset: ArtifactRef,
  config: Pick<EpochWorkload, 'encoder' | 'batch' | 'precision'>,
  jobs: ReturnType<typeof createTrainingJobs>,
): () => Promise<void> {
  const key = { run: 'bench', step: `${config.encoder.name}-${config.precision}` };
  let recorded: { epoch: number; digest: string } | undefined;
  return async () => {
    const epoch = (recorded?.epoch ?? 0) + 1;
    const training = { dataset, config: { ...config, epochs: 1000 }, checkpoint: {} };
    const input = trainEpochInput.parse({ ...key, ...training, epoch, recorded });
    const context = { store, key, stopRequested: () => false, progress: () => {} };
    const { digest } = await jobs['train-epoch'](input, context);
    recorded = { epoch, digest };
  };
}
