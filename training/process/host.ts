import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ProgressPoint } from '../../contracts/checkpoints.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import {
  type JobInput,
  type JobResult,
  type TrainerJob,
  type TrainerProgress,
  type TrainerRequest,
  trainerJobs,
  trainerMessageSchema,
} from '../../contracts/trainer.ts';
import { fastEnvironment } from './environment.ts';

/**
 * The worker's side of the protocol.
 *
 * Owns: one child process for each (run, step), started on demand and kept between jobs, because it holds model,
 * optimizer and data.
 * Does not own: what a job means, or whether it is tried again.
 *
 * I1. A job ends exactly once: with its result, its error, TrainerStopped, TrainerCrashed or TrainerStalled.
 * I2. A trainer that says nothing for the stall limit is killed: a hung device must not look alive.
 * I3. An aborted job is asked to stop and gets `stopGraceMs` to checkpoint; then it is killed.
 */
export interface TrainerHost {
  readonly run: <J extends TrainerJob>(job: J, input: JobInput<J>, options: RunOptions) => Promise<JobResult<J>>;
  /** Ends the trainer of a step, if there is one. */
  readonly close: (key: StepKey) => Promise<void>;
  readonly closeAll: () => Promise<void>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainerProgress) => void;
  /** The longest silence that is not a stall, in milliseconds. */
  readonly stallTimeoutMs: number;
}

export interface TrainerHostOptions {
  /** The module that the process runs; it is given run, step and store URL as arguments. */
  readonly entry: URL;
  readonly storeUrl: string;
  /** Added to the environment: library paths, log levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that trainers write to their output. */
  readonly log: (key: StepKey, line: string) => void;
  /** @default 60_000 */
  readonly stopGraceMs?: number;
  /** How long a trainer without a job is kept. @default 300_000 */
  readonly idleMs?: number;
}

/** The job was stopped because its signal was aborted; `at` is the point of the checkpoint that it left, if any. */
export class TrainerStopped extends Error {
  override readonly name = 'TrainerStopped';

  constructor(readonly at: ProgressPoint | null) {
    super('the trainer stopped as asked');
  }
}

interface Trainer {
  readonly process: ChildProcess;
  readonly name: string;
  /** The last lines that it wrote, for the message when it dies. */
  readonly lastLines: string[];
  readonly exited: Promise<void>;
  nextId: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export function createTrainerHost(options: TrainerHostOptions): TrainerHost {
  const trainers = new Map<string, Trainer>();

  const trainerOf = (key: StepKey): Trainer => {
    const name = `${key.run}/${key.step}`;
    const existing = trainers.get(name);
    if (existing) return existing;
    const trainer = startTrainer(name, key, options);
    trainers.set(name, trainer);
    void trainer.exited.then(() => {
      if (trainers.get(name) === trainer) trainers.delete(name);
    });
    return trainer;
  };

  const end = async (trainer: Trainer) => {
    trainers.delete(trainer.name);
    clearTimeout(trainer.idleTimer);
    if (trainer.process.connected) trainer.process.disconnect();
    const killTimer = setTimeout(() => trainer.process.kill('SIGKILL'), options.stopGraceMs ?? 60_000);
    await trainer.exited;
    clearTimeout(killTimer);
  };

  return {
    run: async (job, input, runOptions) => {
      runOptions.signal.throwIfAborted();
      const trainer = trainerOf(input);
      clearTimeout(trainer.idleTimer);
      try {
        return await runJob(trainer, job, input, runOptions, options.stopGraceMs ?? 60_000);
      } finally {
        trainer.idleTimer = setTimeout(() => void end(trainer), options.idleMs ?? 300_000);
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

function startTrainer(name: string, key: StepKey, options: TrainerHostOptions): Trainer {
  const child = fork(fileURLToPath(options.entry), [key.run, key.step, options.storeUrl], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...fastEnvironment, ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Its own process group: Ctrl-C in the terminal must reach the worker alone, which then asks for a checkpoint.
    detached: true,
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
        lastLines.push(line);
        if (lastLines.length > 20) lastLines.shift();
        options.log(key, line);
      }
    });
  }
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return { process: child, name, lastLines, exited, nextId: 1, idleTimer: undefined };
}

function runJob<J extends TrainerJob>(
  trainer: Trainer,
  job: J,
  input: JobInput<J>,
  { signal, onProgress, stallTimeoutMs }: RunOptions,
  stopGraceMs: number,
): Promise<JobResult<J>> {
  const id = trainer.nextId++;
  const { process: child, name } = trainer;
  return new Promise((resolve, reject) => {
    let killTimer: NodeJS.Timeout | undefined;
    let killedFor: 'stall' | 'grace' | undefined;
    const stalled = () => {
      killedFor = 'stall';
      child.kill('SIGKILL');
    };
    let stallTimer = setTimeout(stalled, stallTimeoutMs);

    const settle = (outcome: () => void) => {
      clearTimeout(stallTimer);
      clearTimeout(killTimer);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onMessage = (raw: unknown) => {
      clearTimeout(stallTimer);
      stallTimer = setTimeout(stalled, stallTimeoutMs);
      const message = trainerMessageSchema.parse(raw);
      if (message.type === 'progress') onProgress(message.progress);
      if (message.type === 'ready' || message.type === 'progress' || message.id !== id) return;
      if (message.type === 'result') {
        const result = trainerJobs[job].result.parse(message.result) as JobResult<J>;
        settle(() => resolve(result));
      } else if (message.type === 'stopped') settle(() => reject(new TrainerStopped(message.at)));
      else settle(() => reject(trainerError(message)));
    };
    const onExit = (code: number | null, exitSignal: NodeJS.Signals | null) =>
      settle(() =>
        reject(
          killedFor === 'grace'
            ? new TrainerStopped(null)
            : deathOf(trainer, killedFor, stallTimeoutMs, code, exitSignal),
        ),
      );
    const onError = (error: Error) => {
      // One that cannot be spoken to is at its end. The job ends with the process, so that the next job starts another.
      const hasEnded = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      if (!hasEnded) child.kill('SIGKILL');
      else
        settle(() =>
          reject(
            new ContrailError('TrainerCrashed', `The trainer of ${name} could not be reached: ${error.message}.`, {
              cause: error,
            }),
          ),
        );
    };
    const onAbort = () => {
      if (child.connected) child.send({ type: 'stop' } satisfies TrainerRequest, () => {});
      killTimer = setTimeout(() => {
        killedFor = 'grace';
        child.kill('SIGKILL');
      }, stopGraceMs);
    };

    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    child.send({ type: 'job', id, job, input } satisfies TrainerRequest, (error) => {
      if (error) onError(error);
    });
  });
}

function trainerError({
  code,
  message,
  stack,
}: {
  code: ContrailError['code'];
  message: string;
  stack?: string | undefined;
}): ContrailError {
  const error = new ContrailError(code, message);
  if (stack) error.stack = stack;
  return error;
}

function deathOf(
  { name, lastLines }: Trainer,
  killedFor: 'stall' | undefined,
  stallTimeoutMs: number,
  code: number | null,
  signal: NodeJS.Signals | null,
): ContrailError {
  if (killedFor === 'stall')
    return new ContrailError(
      'TrainerStalled',
      `The trainer of ${name} said nothing for ${stallTimeoutMs / 1000} s and was ended.`,
    );
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  const tail = lastLines.length > 0 ? ` Its last lines: ${lastLines.slice(-5).join(' | ')}` : '';
  return new ContrailError('TrainerCrashed', `The trainer of ${name} ${how}.${tail}`);
}
