import type { ProgressPoint } from '../../contracts/checkpoints.ts';
import { ContrailError } from '../../contracts/errors.ts';
import {
  type JobInput,
  type JobResult,
  type TrainerJob,
  type TrainerMessage,
  type TrainerProgress,
  type TrainerRequest,
  type TrainingEvent,
  trainerJobs,
  trainerMessageSchema,
} from '../../contracts/trainer.ts';
import { type ChannelListener, excerpt } from './channel.ts';
import { deathOf } from './compute-process.ts';
import type { TrainerProcess } from './trainer-process.ts';

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainerProgress) => void;
  /** Told of a training's checkpoints. */
  readonly onTraining?: (event: TrainingEvent) => void;
  /** The longest silence that is not a stall, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** The job may run beside others of its step, each in a trainer of its own. @default false: a second one is refused */
  readonly besideOthers?: boolean;
  /** How long its trainer is kept without a job afterwards, in milliseconds. @default that of the host */
  readonly idleMs?: number;
}

/** The job was stopped because its signal was aborted; `at` is the point of the checkpoint that it left, if any. */
export class TrainerStopped extends Error {
  override readonly name = 'TrainerStopped';

  constructor(readonly at: ProgressPoint | null) {
    super('the trainer stopped as asked');
  }
}

/**
 * Has a trainer do one job, and ends the process where it cannot be trusted with another.
 *
 * I1. A job ends exactly once: with its result, its error, TrainerStopped, TrainerCrashed or TrainerStalled.
 * I2. A trainer that says nothing for the stall limit is killed: a hung device must not look alive.
 * I3. An aborted job is asked to stop and gets `stopGraceMs` to checkpoint; then it is killed.
 * I4. Nothing that a trainer says throws here: what cannot be read kills the trainer, and ends this job alone.
 */
export function runJob<J extends TrainerJob>(
  trainer: TrainerProcess,
  id: number,
  job: J,
  input: JobInput<J>,
  { signal, onProgress, onTraining, stallTimeoutMs }: RunOptions,
  stopGraceMs: number,
): Promise<JobResult<J>> {
  const { child, channel, name } = trainer;
  return new Promise((resolve, reject) => {
    let killTimer: NodeJS.Timeout | undefined;
    /** Why the process was killed here; the job ends with this once the process has ended. */
    let killedFor: Error | undefined;
    const kill = (why: Error) => {
      killedFor ??= why;
      child.kill('SIGKILL');
    };
    const stalled = () =>
      kill(
        new ContrailError(
          'TrainerStalled',
          `The trainer of ${name} said nothing for ${stallTimeoutMs / 1000} s and was ended.`,
        ),
      );
    let stallTimer = setTimeout(stalled, stallTimeoutMs);

    const settle = (outcome: () => void) => {
      clearTimeout(stallTimer);
      clearTimeout(killTimer);
      channel.listen(null);
      stopListening();
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const unreadable = (what: string, why: string) =>
      kill(
        new ContrailError(
          'TrainerCrashed',
          `The trainer of ${name} sent what this worker cannot read (${why}) and was ended: ${excerpt(what)}. If Contrail was updated, start the worker again.`,
        ),
      );
    const finish = (result: unknown) => {
      const read = trainerJobs[job].result.safeParse(result);
      if (read.success) settle(() => resolve(read.data as JobResult<J>));
      else unreadable(JSON.stringify({ type: 'result', result }), `the result of ${job}: ${firstIssue(read.error)}`);
    };
    const onSaid: ChannelListener = (said) => {
      // Once it is killed, nothing that it has said before counts.
      if (killedFor) return;
      clearTimeout(stallTimer);
      stallTimer = setTimeout(stalled, stallTimeoutMs);
      if ('unreadable' in said) return unreadable(said.unreadable, said.why);
      const read = trainerMessageSchema.safeParse(said.message);
      if (!read.success) return unreadable(JSON.stringify(said.message), firstIssue(read.error));
      try {
        take(read.data);
      } catch (error) {
        kill(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const take = (message: TrainerMessage) => {
      if (message.type === 'progress') return onProgress(message.progress);
      if (message.type === 'training') return onTraining?.(message.event);
      if (message.type === 'ready' || message.id !== id) return;
      if (message.type === 'result') finish(message.result);
      else if (message.type === 'stopped') settle(() => reject(new TrainerStopped(message.at)));
      else settle(() => reject(errorOf(message)));
    };
    const onAbort = () => {
      channel.send({ type: 'stop' } satisfies TrainerRequest, () => {});
      killTimer = setTimeout(() => kill(new TrainerStopped(null)), stopGraceMs);
    };

    channel.listen(onSaid);
    signal.addEventListener('abort', onAbort, { once: true });
    const stopListening = trainer.onEnd((end) =>
      settle(() => reject(killedFor ?? deathOf(`The trainer of ${name}`, trainer, end))),
    );
    channel.send({ type: 'job', id, job, input } satisfies TrainerRequest, (error) => {
      // One that cannot be spoken to is at its end. The job ends with the process, so that the next job starts another.
      if (error) child.kill('SIGKILL');
    });
  });
}

const firstIssue = ({ issues: [issue] }: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }) =>
  `${issue?.path.map((part) => `${String(part)}: `).join('') ?? ''}${issue?.message ?? ''}`;

function errorOf({ code, message, stack }: Extract<TrainerMessage, { type: 'error' }>): ContrailError {
  const error = new ContrailError(code, message);
  if (stack) error.stack = stack;
  return error;
}
