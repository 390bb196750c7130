import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareDataParams } from '../contracts/step-kinds.ts';
import { trainEpochInput } from '../contracts/trainer.ts';
import { loadSplit, prepareDataset } from '../datasets/index.ts';
import { openStore } from '../store/index.ts';
import { createTrainingJobs } from '../training/index.ts';
import { openHome } from '../worker/home.ts';
import { withFolder } from './folder.ts';
import type { KerasPeer } from './keras/peer.ts';
import { encodeNpy } from './npy.ts';
import { median } from './statistics.ts';
import { describeEncoder, smallResnet } from './workloads.ts';

export interface EpochRow {
  readonly encoder: string;
  readonly batch: number;
  readonly images: number;
  /** Images a second, medians over epochs. */
  readonly ours: number;
  readonly keras: number;
  readonly ratioToKeras: number;
}

const trainImages = 6000;
const encoder = smallResnet(16);
const batch = 128;

/**
 * A whole epoch on Fashion-MNIST, as users of either run it. Ours: the trainer's job, from the batch plan to the committed
 * checkpoint. Keras's: the tutorial's recipe with tf.data, augmentation layers, `fit`, a checkpoint and a log.
 */
export async function benchEpoch(keras: KerasPeer, turns: number): Promise<EpochRow[]> {
  return withFolder(async (folder) => {
    const store = openStore(pathToFileURL(join(folder, 'store')).href);
    const { ref } = await prepareDataset(
      store,
      prepareDataParams.parse({ dataset: 'fashion-mnist', limit: { train: trainImages, test: 100 } }),
      { cacheFolder: openHome().cacheFolder, onProgress: () => {}, signal: new AbortController().signal },
    );
    const { images, labels, count, height, width, channels } = await loadSplit(store, ref, 'train');
    const [imageFile, labelFile] = [join(folder, 'images.npy'), join(folder, 'labels.npy')];
    await writeFile(imageFile, encodeNpy('|u1', [count, height, width, channels], images));
    await writeFile(labelFile, encodeNpy('<i4', [count], labels));
    await keras.openEpoch({ encoder, batch, images: imageFile, labels: labelFile, checkpoint: folder });

    const key = { run: 'bench', step: 'pretrain' };
    const jobs = createTrainingJobs();
    let recorded: { epoch: number; digest: string } | undefined;
    const trainEpoch = async () => {
      const epoch = (recorded?.epoch ?? 0) + 1;
      const input = trainEpochInput.parse({
        ...key,
        ...{ dataset: ref, config: { encoder, batch, epochs: 1000 }, checkpoint: {}, epoch, recorded },
      });
      const context = { store, key, stopRequested: () => false, progress: () => {} };
      const { digest } = await jobs['train-epoch'](input, context);
      recorded = { epoch, digest };
    };
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
    return [
      {
        encoder: describeEncoder(encoder),
        batch,
        images: count,
        ours: count / own,
        keras: count / peer,
        ratioToKeras: peer / own,
      },
    ];
  });
}
