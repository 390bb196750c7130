import type { StepKey } from '../../contracts/identifiers.ts';
import type { JobInput, JobResult, TrainerJob } from '../../contracts/trainer.ts';
import { hasRoom } from './room.ts';
import { type RunOptions, runJob } from './run-job.ts';
import { startTrainer, type TrainerProcess, type TrainerProcessOptions } from './trainer-process.ts';

/**
 * The worker's side of the protocol.
 *
 * Owns: one child process for each (run, step), started on demand and kept between jobs, because it holds model,
 * optimizer and data; of a step whose jobs may run side by side, as many as run. Where memory is short, only one waits.
 * Does not own: what a job means, or whether it is tried again.
 */
export interface TrainerHost {
  readonly run: <J extends TrainerJob>(job: J, input: JobInput<J>, options: RunOptions) => Promise<JobResult<J>>;
  /** Ends the trainers of a step, if there are any. */
  readonly close: (key: StepKey) => Promise<void>;
  readonly closeAll: () => Promise<void>;
}

/** A trainer that is asked to stop has so long to write a checkpoint; then it is killed. */
export const trainerStopMs = 60_000;

export interface TrainerHostOptions extends TrainerProcessOptions {
  /** @default trainerStopMs */
  readonly stopGraceMs?: number;
  /** How long a trainer without a job is kept. @default 300_000 */
  readonly idleMs?: number;
  /** Whether there is memory for one more that is kept. Where only one waits, it is kept in any case. @default hasRoom */
  readonly mayKeep?: () => boolean;
}

interface Trainer {
  readonly process: TrainerProcess;
  nextId: number;
  /** Jobs that run in it: one, but for a mistake. */
  jobs: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export function createTrainerHost(options: TrainerHostOptions): TrainerHost {
  const { stopGraceMs = trainerStopMs, idleMs = 300_000, mayKeep = hasRoom } = options;
  const trainers = new Set<Trainer>();

  const trainersOf = ({ run, step }: StepKey) =>
    [...trainers].filter(({ process: { name } }) => name === `${run}/${step}`);
  const othersWait = (than: Trainer) => [...trainers].some((trainer) => trainer !== than && trainer.jobs === 0);
  const trainerFor = ({ run, step }: StepKey, besideOthers: boolean): Trainer => {
    const key = { run, step };
    const existing = trainersOf(key).find(({ jobs }) => !besideOthers || jobs === 0);
    if (existing) return existing;
    const trainer: Trainer = { process: startTrainer(key, options), nextId: 1, jobs: 0, idleTimer: undefined };
    trainers.add(trainer);
    trainer.process.onEnd(() => trainers.delete(trainer));
    return trainer;
  };

  const end = async (trainer: Trainer) => {
    trainers.delete(trainer);
    clearTimeout(trainer.idleTimer);
    trainer.process.channel.disconnect();
    const killTimer = setTimeout(() => trainer.process.child.kill('SIGKILL'), stopGraceMs);
    await new Promise<void>((resolve) => trainer.process.onEnd(() => resolve()));
    clearTimeout(killTimer);
  };

  return {
    run: async (job, input, runOptions) => {
      runOptions.signal.throwIfAborted();
      const trainer = trainerFor(input, runOptions.besideOthers ?? false);
      clearTimeout(trainer.idleTimer);
      trainer.jobs++;
      try {
        return await runJob(trainer.process, trainer.nextId++, job, input, runOptions, stopGraceMs);
      } finally {
        trainer.jobs--;
        clearTimeout(trainer.idleTimer);
        // Those that wait for longer are asked for sooner, so it is this one that goes.
        if (othersWait(trainer) && !mayKeep()) void end(trainer);
        else {
          trainer.idleTimer = setTimeout(() => void end(trainer), runOptions.idleMs ?? idleMs);
          trainer.idleTimer.unref();
        }
      }
    },
    close: async (key) => {
      await Promise.all(trainersOf(key).map(end));
    },
    closeAll: async () => {
      await Promise.all([...trainers].map(end));
    },
  };
}
