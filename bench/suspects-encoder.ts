import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { finishTrainingInput, trainEpochInput } from '../contracts/trainer.ts';
import { type Store, saveEpochMetrics } from '../store/index.ts';
import { createTrainingJobs } from '../training/index.ts';

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
  const jobs = createTrainingJobs();
  const context = { store, key: training, progress: () => {}, stopRequested: () => false };
  const common = { ...training, dataset, config, checkpoint: { keep: { every: 1 } } };
  const begun = performance.now();
  let recorded: { epoch: number; digest: string } | undefined;
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const input = trainEpochInput.parse({ ...common, epoch, ...(recorded ? { recorded } : {}) });
    const { digest, metrics } = await jobs['train-epoch'](input, context);
    await saveEpochMetrics(store, training, { epoch, ...metrics });
    recorded = { epoch, digest };
  }
  const { encoder } = await jobs['finish-training'](finishTrainingInput.parse({ ...common, recorded }), context);
  return { encoder, training, seconds: (performance.now() - begun) / 1000 };
}
