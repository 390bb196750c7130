import type { StepKey } from '../../contracts/identifiers.ts';
import type { JobInput, JobResult, TrainerJob } from '../../contracts/trainer.ts';
import { type RunOptions, runJob } from './run-job.ts';
import { startTrainer, type TrainerProcess, type TrainerProcessOptions } from './trainer-process.ts';

/**
 * The worker's side of the protocol.
 *
 * Owns: one child process for each (run, step), started on demand and kept between jobs, because it holds model,
 * optimizer and data.
 * Does not own: what a job means, or whether it is tried again.
 */
export interface TrainerHost {
  readonly run: <J extends TrainerJob>(job: J, input: JobInput<J>, options: RunOptions) => Promise<JobResult<J>>;
  /** Ends the trainer of a step, if there is one. */
  readonly close: (key: StepKey) => Promise<void>;
  readonly closeAll: () => Promise<void>;
}

export interface TrainerHostOptions extends TrainerProcessOptions {
  /** @default 60_000 */
  readonly stopGraceMs?: number;
  /** How long a trainer without a job is kept. @default 300_000 */
  readonly idleMs?: number;
}

interface Trainer {
  readonly process: TrainerProcess;
  nextId: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export function createTrainerHost(options: TrainerHostOptions): TrainerHost {
  const { stopGraceMs = 60_000, idleMs = 300_000 } = options;
  const trainers = new Map<string, Trainer>();

  const forget = (trainer: Trainer) => {
    if (trainers.get(trainer.process.name) === trainer) trainers.delete(trainer.process.name);
  };
  const trainerOf = (key: StepKey): Trainer => {
    const existing = trainers.get(`${key.run}/${key.step}`);
    if (existing) return existing;
    const trainer: Trainer = { process: startTrainer(key, options), nextId: 1, idleTimer: undefined };
    trainers.set(trainer.process.name, trainer);
    trainer.process.onEnd(() => forget(trainer));
    return trainer;
  };

  const end = async (trainer: Trainer) => {
    forget(trainer);
    clearTimeout(trainer.idleTimer);
    trainer.process.channel.disconnect();
    const killTimer = setTimeout(() => trainer.process.child.kill('SIGKILL'), stopGraceMs);
    await new Promise<void>((resolve) => trainer.process.onEnd(() => resolve()));
    clearTimeout(killTimer);
  };

  return {
    run: async (job, input, runOptions) => {
      runOptions.signal.throwIfAborted();
      const trainer = trainerOf(input);
      clearTimeout(trainer.idleTimer);
      try {
        return await runJob(trainer.process, trainer.nextId++, job, input, runOptions, stopGraceMs);
      } finally {
        trainer.idleTimer = setTimeout(() => void end(trainer), idleMs);
        trainer.idleTimer.unref();
      }
    },
    close: async ({ run, step }) => {
      const trainer = trainers.get(`${run}/${step}`);
      if (trainer) await end(trainer);
    },
    closeAll: async () => {
      await Promise.all([...trainers.values()].map(end));
    },
  };
}
