import type { StepKey } from '../../contracts/identifiers.ts';
import type {
  FinishTrainingInput,
  TrainEpochInput,
  TrainEpochResult,
  TrainerJob,
  TrainerProgress,
  TrainingEvent,
} from '../../contracts/trainer.ts';
import type { Series } from '../../metrics/series.ts';
import type { TrainerHost } from '../../training/host.ts';
import { countingFor, type WorkerInstruments } from './step-metrics.ts';

export interface TrainingSeries {
  /** Owns what is told of a training that is under way here, by run and step. */
  readonly live: Series;
  /** Owns what is counted, by pipeline and step. */
  readonly counted: Series;
}

type Training = Pick<TrainEpochInput, 'run' | 'step' | 'config'> & { readonly epoch: number | null };

/** What is told of one job of a training. */
interface TrainingMetrics {
  readonly began: () => void;
  readonly progress: (progress: TrainerProgress) => void;
  readonly event: (event: TrainingEvent) => void;
  readonly epochDone: (result: TrainEpochResult) => void;
  readonly ended: () => void;
}

/**
 * The trainers of a host, with metrics of the trainings in them. A training's own series last as long as its trainer is kept:
 * until it is finished, stopped or taken elsewhere, or has had nothing to do for minutes.
 *
 * @param pipelineOf never rejects; what happens in the meantime is told once it is known, in order
 */
export function watchTrainings(
  host: TrainerHost,
  instruments: WorkerInstruments,
  { live, counted }: TrainingSeries,
  pipelineOf: (run: string) => Promise<string>,
): TrainerHost {
  return {
    run: async (job, input, options) => {
      const training = trainingOf(job, input);
      if (!training) return host.run(job, input, options);
      const metrics = metricsOf(training, instruments, { live, counted }, pipelineOf);
      metrics.began();
      try {
        const result = await host.run(job, input, {
          ...options,
          onProgress: (progress) => {
            metrics.progress(progress);
            options.onProgress(progress);
          },
          onTraining: metrics.event,
        });
        if (job === 'train-epoch') metrics.epochDone(result as TrainEpochResult);
        return result;
      } finally {
        metrics.ended();
      }
    },
    close: (key) => {
      void pipelineOf(key.run).then(() => live.drop(liveOwner(key)));
      return host.close(key);
    },
    closeAll: host.closeAll,
  };
}

const liveOwner = ({ run, step }: StepKey) => `${run} ${step}`;

/** What is trained in a job; null for one that trains nothing. */
function trainingOf(job: TrainerJob, input: unknown): Training | null {
  if (job === 'train-epoch') return input as TrainEpochInput;
  return job === 'finish-training' ? { ...(input as FinishTrainingInput), epoch: null } : null;
}

function metricsOf(
  { run, step, epoch, config }: Training,
  instruments: WorkerInstruments,
  { live, counted }: TrainingSeries,
  pipelineOf: (run: string) => Promise<string>,
): TrainingMetrics {
  const owner = liveOwner({ run, step });
  // Asked once: all of a job is to go to one pipeline, also where the store says only later which it is.
  const pipelineOfRun = pipelineOf(run);
  const later = (tell: (pipeline: string) => void) => void pipelineOfRun.then(tell);
  const count = countingFor(pipelineOfRun, step);
  type LiveName = Extract<keyof WorkerInstruments, `contrail_training_${string}`>;
  const show = (values: Partial<Record<LiveName, number>>) =>
    later((pipeline) => {
      for (const [name, value] of Object.entries(values))
        live.of(owner, instruments[name as LiveName], { pipeline, run, step }).set(value);
    });
  let firstStep: { readonly at: number; readonly done: number } | null = null;
  return {
    began: () => {
      later(() => live.hold(owner));
      show({ contrail_training_epochs: config.epochs, ...(epoch === null ? {} : { contrail_training_epoch: epoch }) });
    },
    progress: ({ phase, done, unit, loss, imagesPerSecond }) => {
      if (!phase.startsWith('epoch ') || unit !== 'steps') return;
      const now = performance.now();
      firstStep = firstStep && firstStep.done <= done ? firstStep : { at: now, done };
      const steps = done - firstStep.done;
      show({
        contrail_training_epoch: Number(phase.slice('epoch '.length)),
        ...(loss === undefined ? {} : { contrail_training_loss: loss ?? Number.NaN }),
        ...(imagesPerSecond === undefined ? {} : { contrail_training_images_per_second: imagesPerSecond }),
        ...(steps > 0 ? { contrail_training_step_seconds: (now - firstStep.at) / 1000 / steps } : {}),
      });
    },
    event: (event) => {
      const at = Date.now() / 1000;
      if (event.type === 'opened') {
        const since = event.from === null ? at : Date.parse(event.from) / 1000;
        show({ contrail_training_last_checkpoint_timestamp_seconds: since });
      } else
        show({
          contrail_training_last_checkpoint_timestamp_seconds: at,
          contrail_training_checkpoint_bytes: event.bytes,
        });
      count((of, labels) => {
        if (event.type === 'opened')
          return counted.of(of, instruments.contrail_lease_takeovers_total, labels).inc(event.takenOver ? 1 : 0);
        counted.of(of, instruments.contrail_checkpoint_seconds, labels).observe(event.seconds);
        counted.of(of, instruments.contrail_checkpoint_bytes_total, labels).inc(event.bytes);
      });
    },
    epochDone: ({ metrics: { loss } }) => {
      show({ contrail_training_epoch_loss: loss });
      count((of, labels) => counted.of(of, instruments.contrail_epochs_total, labels).inc());
    },
    ended: () => later(() => live.release(owner)),
  };
}
