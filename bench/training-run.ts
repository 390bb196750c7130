import type { ArtifactRef } from '../contracts/artifacts.ts';
import { isContrailError } from '../contracts/errors.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { type PretrainParameters, pretrainParameters } from '../contracts/kinds/pretrain.ts';
import type { TrainEpochResult } from '../contracts/trainer.ts';
import type { ReplicasSetting } from '../contracts/training.ts';
import { prepareDataset } from '../datasets/index.ts';
import { trainerEnvironment } from '../native/paths.ts';
import type { Store } from '../store/index.ts';
import { createTrainerHost } from '../training/host.ts';
import { trainersOf } from './trainer-processes.ts';

/** A training in a real trainer process, epoch after epoch, as the worker's activities run it, but without Temporal. */

/** A generated data set and a training on it, as a pipeline's steps have them. */
export interface SmallTraining {
  readonly images: number;
  /** `with` of a pretrain step. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The same training as a pipeline. JSON is YAML. */
export const pipelineOf = (
  { images, parameters }: SmallTraining,
  more: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    name: 'bench',
    steps: {
      data: { uses: 'prepare-data', with: dataParameters(images) },
      pretrain: { uses: 'pretrain', needs: ['data'], with: parameters },
      ...more,
    },
  });

const dataParameters = (images: number) => ({ dataset: 'generated', generated: { classes: 4, images } });

export async function prepareData(store: Store, images: number, cacheFolder: string): Promise<ArtifactRef> {
  const params = prepareDataParameters.parse(dataParameters(images));
  const options = { cacheFolder, onProgress: () => {}, signal: new AbortController().signal };
  return (await prepareDataset(store, params, options)).ref;
}

/** A kill of the trainer: the epoch in training, and the last step of it that the trainer reported. */
export interface Kill {
  readonly epoch: number;
  readonly step: number;
}

export interface TrainedEpoch extends TrainEpochResult {
  /** Of the trainer, while it trained this epoch. */
  readonly kills: readonly Kill[];
}

/**
 * Trains all epochs, then takes the encoder out.
 *
 * @param killAt steps of the whole training at which the trainer gets SIGKILL: when it first reports that step or a later one
 * @param replicasInTurn of the first trainer, of the one after the first kill, and so on; where there are none, those of the parameters
 */
export async function trainInProcess(
  storeUrl: string,
  run: string,
  dataset: ArtifactRef,
  parameters: SmallTraining['parameters'],
  killAt: readonly number[] = [],
  replicasInTurn: readonly ReplicasSetting[] = [],
): Promise<readonly TrainedEpoch[]> {
  const key = { run, step: 'pretrain' };
  const { checkpoint, data, replicas, ...config }: PretrainParameters = pretrainParameters.parse(parameters);
  /** Of the trainer that runs now: after each kill the next. */
  const sharing = () => {
    const kills = epochs.reduce((sum, each) => sum + each.kills.length, 0) + killsOfEpoch.length;
    const now = replicasInTurn[Math.min(kills, replicasInTurn.length - 1)] ?? replicas;
    return now === undefined ? {} : { replicas: now };
  };
  const entry = new URL('../worker/trainer.ts', import.meta.url);
  const host = createTrainerHost({ entry, storeUrl, environment: trainerEnvironment(), log: () => {} });
  const pending = [...killAt].sort((a, b) => a - b);
  const epochs: TrainedEpoch[] = [];
  let killsOfEpoch: Kill[] = [];
  /** The trainer was killed, and no job has died of it yet. */
  let killed = false;
  const untilDone = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;)
      try {
        return await work();
      } catch (error) {
        if (!killed || !isContrailError(error) || error.code !== 'TrainerCrashed') throw error;
        killed = false;
      }
  };
  try {
    while (epochs.length < config.epochs) {
      const kills: Kill[] = [];
      killsOfEpoch = kills;
      const last = epochs.at(-1);
      const recorded = last && { epoch: last.epoch, digest: last.digest };
      const epoch = epochs.length + 1;
      const input = { ...key, dataset, config, checkpoint, data, epoch, ...(recorded ? { recorded } : {}) };
      const result = await untilDone(() =>
        host.run(
          'train-epoch',
          { ...input, ...sharing() },
          {
            ...patience(),
            onProgress: ({ phase, done, total }) => {
              if (phase !== `epoch ${epoch}` || (epoch - 1) * total + done < (pending[0] ?? Number.POSITIVE_INFINITY))
                return;
              const [trainer] = trainersOf(run);
              // What it said before it was killed may arrive afterwards.
              if (trainer === undefined) return;
              process.kill(trainer, 'SIGKILL');
              pending.shift();
              kills.push({ epoch, step: done });
              killed = true;
            },
          },
        ),
      );
      epochs.push({ ...result, kills });
      killsOfEpoch = [];
    }
    const last = epochs.at(-1);
    if (last) {
      const recorded = { epoch: last.epoch, digest: last.digest };
      const input = { ...key, dataset, config, checkpoint, data, recorded, ...sharing() };
      await untilDone(() => host.run('finish-training', input, { ...patience(), onProgress: () => {} }));
    }
    return epochs;
  } finally {
    await host.closeAll();
  }
}

const patience = () => ({ signal: new AbortController().signal, stallTimeoutMs: 300_000 });
