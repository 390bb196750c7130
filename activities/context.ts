import { activityInfo, Context, cancellationSignal } from '@temporalio/activity';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { jsonSize } from '../contracts/json-size.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import type { JobInput, JobResult, TrainerJob } from '../contracts/trainer.ts';
import type { Store } from '../store/index.ts';
import type { RunOptions, TrainerHost } from '../training/host.ts';
import { toTemporalFailure, withAttempt } from './errors.ts';

/** What the activities work with. */
export interface ActivityContext {
  readonly store: Store;
  readonly host: TrainerHost;
  /** Where downloaded data sets are kept. */
  readonly cacheFolder: string;
  /** The task queues whose steps this worker does. */
  readonly queues?: readonly string[];
  /** Runs the user's own code: programs, and steps beside a pipeline. */
  readonly ownSteps: boolean;
  /** Puts a line that the user's own code printed into the log of its run. */
  readonly say: (key: StepKey, line: string) => void;
  /** Versions of the code and its libraries, for the record of a run. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A result, and which attempt of the activity gave it. */
export interface Attempted<T> {
  readonly result: T;
  readonly attempt: number;
}

/** The longest silence of a trainer that is not a stall. */
const stallTimeoutMs = 5 * 60_000;

/**
 * Temporal refuses a larger answer, and the work would be done again without end.
 *
 * @throws ContrailError InvalidInput
 */
export function requireSendable(result: unknown): void {
  const bytes = jsonSize(result as Json);
  if (bytes > limits.resultBytes)
    throw new ContrailError(
      'InvalidInput',
      `The result of this step has ${formatBytes(bytes)}; at most ${formatBytes(limits.resultBytes)} can be sent. Measure less in one step: fewer classes, epochs or severities.`,
    );
}

/** When the work of each attempt began. */
const begun = new WeakMap<Context, number>();

/** How long this attempt has worked, without what it waited for a free slot. */
export const workedSeconds = (): number =>
  Math.max(0, Date.now() - (begun.get(Context.current()) ?? activityInfo().currentAttemptScheduledTimestampMs)) / 1000;

/** Runs an activity's work: its errors become Temporal's, and its result, or its failure, carries the attempt. */
export async function attempt<T>(work: () => Promise<T>): Promise<Attempted<T>> {
  begun.set(Context.current(), Date.now());
  try {
    const result = await work();
    requireSendable(result);
    return { result, attempt: activityInfo().attempt };
  } catch (error) {
    throw withAttempt(toTemporalFailure(error), activityInfo().attempt);
  }
}

/** Answers to heartbeats say that an activity is to be cancelled, which a person waits for. */
const longestBeatMs = 2000;

/**
 * Heartbeats at least three times a timeout with the latest details, until the work ends. Keeps on while a cancelled job writes its
 * last checkpoint; a stalled job ends by the work's own limit, and the beats with it.
 *
 * @param first the details until there are others
 */
export async function withHeartbeat<T>(
  work: (report: (details: Json) => void) => Promise<T>,
  first: Json = null,
): Promise<T> {
  let latest = first;
  // A trainer that is kept between epochs tells of its progress in the context of the activity that started it.
  const { heartbeat } = Context.current();
  const beat = () => heartbeat(latest);
  beat();
  const timer = setInterval(beat, Math.min(longestBeatMs, (activityInfo().heartbeatTimeoutMs ?? 30_000) / 3));
  try {
    return await work((details) => {
      latest = details;
      beat();
    });
  } finally {
    clearInterval(timer);
  }
}

/** Runs a job in the step's trainer, passing its progress on as heartbeats. */
export function runInTrainer<J extends TrainerJob>(
  context: ActivityContext,
  job: J,
  input: JobInput<J>,
  options: Pick<RunOptions, 'besideOthers' | 'idleMs'> = {},
): Promise<JobResult<J>> {
  return withHeartbeat((report) =>
    context.host.run(job, input, {
      ...options,
      signal: cancellationSignal(),
      stallTimeoutMs,
      onProgress: (progress) => report(progress as unknown as Json),
    }),
  );
}

/** Runs the only job of a step, and ends its trainer. */
export async function runOnceInTrainer<J extends TrainerJob>(
  context: ActivityContext,
  job: J,
  input: JobInput<J>,
): Promise<JobResult<J>> {
  try {
    return await runInTrainer(context, job, input);
  } finally {
    const key: StepKey = { run: input.run, step: input.step };
    await context.host.close(key);
  }
}
