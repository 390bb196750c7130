import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { type Store, saveEpochMetrics } from '../store/index.ts';
import { trainEncoder } from './train-encoder.ts';

const training = { run: 'bench', step: 'pretrain' };
const config = {
  encoder: { name: 'small-resnet', channels: 16, blocks: [1, 1, 1], stemStride: 2 },
  projection: { hidden: 128, output: 64 },
  loss: { supcon: { temperature: 0.1 } },
  optimizer: { name: 'adam', learningRate: 0.002 },
  schedule: { name: 'cosine', warmupEpochs: 0.5 },
  batch: 128,
  epochs: 6,
} as const;

/** An encoder that is trained by SupCon for a few epochs on the labels as they are, wrong ones among them; every epoch's checkpoint is kept. */
export async function trainOnWrongLabels(
  store: Store,
  dataset: ArtifactRef,
): Promise<{ readonly encoder: ArtifactRef; readonly training: StepKey; readonly seconds: number }> {
  const begun = performance.now();
  const wanted = { key: training, dataset, config, checkpoint: { keep: { every: 1 } } };
  const encoder = await trainEncoder(store, wanted, (epoch, metrics) =>
    saveEpochMetrics(store, training, { epoch, ...metrics }),
  );
  return { encoder, training, seconds: (performance.now() - begun) / 1000 };
}
