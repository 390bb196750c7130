import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { finishTrainingInput, type TrainerProgress, trainEpochInput } from '../../contracts/trainer.ts';
import type { Store } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/index.ts';

/** The state after an epoch, as the workflow's history records it. */
interface Recorded {
  readonly epoch: number;
  readonly digest: string;
}

interface RunOptions {
  readonly store: Store;
  readonly run: string;
  /** @default 'pretrain' */
  readonly step?: string;
  readonly dataset: ArtifactRef;
  /** Of an encoder, or of a classifier. */
  readonly config: object;
  /** Where the training images are. @default {}, as in a step that says nothing of it */
  readonly data?: object;
  /** Devices that the parts of a batch are shared out to. */
  readonly replicas?: number | 'auto' | undefined;
  /** Those of a trainer process that is there already. */
  readonly jobs?: ReturnType<typeof createTrainingJobs>;
  /** Is told all that the jobs report. */
  readonly progress?: (report: TrainerProgress) => void;
}

/** A training in one trainer process, whose jobs are asked for one by one, as the workflow does. */
export function openRun({
  store,
  run,
  step = 'pretrain',
  dataset,
  config,
  data = {},
  replicas,
  jobs = createTrainingJobs(),
  progress = () => {},
}: RunOptions) {
  const key = { run, step };
  const common = { ...key, dataset, config, data, replicas, checkpoint: {} };
  const context = (stopAfter: number) => {
    let steps = 0;
    return {
      store,
      key,
      stopRequested: () => steps >= stopAfter,
      progress: (report: TrainerProgress) => {
        if (report.unit === 'steps') steps++;
        progress(report);
      },
    };
  };
  return {
    /** @param stopAfter this many reports of steps, of which the first is that the training is opened */
    train: (epoch: number, recorded?: Recorded, stopAfter = Number.POSITIVE_INFINITY) =>
      jobs['train-epoch'](trainEpochInput.parse({ ...common, epoch, recorded }), context(stopAfter)),
    /** The same training in the same process, asked for with other settings. */
    with: (other: Pick<RunOptions, 'replicas'>) =>
      openRun({ store, run, step, dataset, config, data, jobs, progress, ...other }),
    finish: (recorded: Recorded) =>
      jobs['finish-training'](finishTrainingInput.parse({ ...common, recorded }), context(Number.POSITIVE_INFINITY)),
  };
}

/** Trains some epochs from the first on, and takes the encoder out. */
export async function trainEpochs({ train, finish }: ReturnType<typeof openRun>, epochs: number) {
  const { resumedFrom, digest } = await train(1);
  const digests = [digest];
  let recorded = { epoch: 1, digest };
  for (let epoch = 2; epoch <= epochs; epoch++) {
    recorded = { epoch, digest: (await train(epoch, recorded)).digest };
    digests.push(recorded.digest);
  }
  return { resumedFrom, digests, made: await finish(recorded) };
}
