import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { EpochMetrics } from '../contracts/checkpoints.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { finishTrainingInput, trainEpochInput } from '../contracts/trainer.ts';
import type { Store } from '../store/index.ts';
import { createTrainingJobs } from '../training/index.ts';

/**
 * Trains an encoder in this process, by the jobs that a worker asks for.
 *
 * @param config of a training, with its epochs; the rest is its default
 * @param onEpoch is told each epoch's metrics, and waited for
 */
export async function trainEncoder(
  store: Store,
  {
    key,
    dataset,
    config,
    checkpoint = {},
  }: {
    readonly key: StepKey;
    readonly dataset: ArtifactRef;
    readonly config: { readonly epochs: number };
    readonly checkpoint?: object;
  },
  onEpoch: (epoch: number, metrics: EpochMetrics) => unknown = () => {},
): Promise<ArtifactRef> {
  const jobs = createTrainingJobs();
  const context = { store, key, progress: () => {}, stopRequested: () => false };
  const common = { ...key, dataset, config, checkpoint };
  let recorded: { epoch: number; digest: string } | undefined;
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const input = trainEpochInput.parse({ ...common, epoch, ...(recorded ? { recorded } : {}) });
    const { digest, metrics } = await jobs['train-epoch'](input, context);
    recorded = { epoch, digest };
    await onEpoch(epoch, metrics);
  }
  return (await jobs['finish-training'](finishTrainingInput.parse({ ...common, recorded }), context)).encoder;
}
