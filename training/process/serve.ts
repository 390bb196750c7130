import { z } from 'zod';
import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import { explained } from '../../contracts/system-errors.ts';
import {
  type TrainerJob,
  type TrainerMessage,
  type TrainerProgress,
  trainerJobs,
  trainerRequestSchema,
} from '../../contracts/trainer.ts';
import type { Store } from '../../store/index.ts';
import { type JobContext, type JobHandlers, JobStopped } from './job.ts';

/** Progress messages are at least so far apart. */
const progressIntervalMs = 200;

/**
 * The trainer's side of the protocol: runs the jobs that the worker sends, one at a time, in this process.
 *
 * The worker's signals do not reach it (it leads its own process group, and ignores Ctrl-C); it stops when asked by
 * message. When the worker is gone, it stops the same way and then exits; if another trainer has taken over meanwhile,
 * the lease refuses its checkpoint.
 */
export function serveTrainer(
  handlers: JobHandlers,
  { store, key }: { readonly store: Store; readonly key: StepKey },
): void {
  let stopping = false;
  let running = false;
  let lastProgress = 0;

  const send = (message: TrainerMessage, sent?: () => void) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => sent?.());
    else sent?.();
  };
  const context: JobContext = {
    store,
    key,
    stopRequested: () => stopping,
    progress: (progress: TrainerProgress) => {
      const now = performance.now();
      if (progress.done < progress.total && now - lastProgress < progressIntervalMs) return;
      lastProgress = now;
      send({ type: 'progress', progress: finite(progress) });
    },
    onTraining: (event) => send({ type: 'training', event }),
  };

  const runJob = async (id: number, job: TrainerJob, input: unknown) => {
    running = true;
    stopping = false;
    try {
      const handler = handlers[job] as (input: unknown, context: JobContext) => Promise<unknown>;
      const result = await handler(trainerJobs[job].input.parse(input), context);
      send({ type: 'result', id, result: readable(job, result) });
    } catch (error) {
      send(failure(id, error));
    } finally {
      running = false;
      if (!process.connected) process.exit(0);
    }
  };

  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => {
    stopping = true;
    if (!running) process.exit(0);
  });
  process.on('message', (raw) => {
    const read = trainerRequestSchema.safeParse(raw);
    if (!read.success) return send(failure(idOf(raw), unreadable(z.prettifyError(read.error))));
    const request = read.data;
    if (request.type === 'stop') stopping = true;
    else if (running)
      send(failure(request.id, new ContrailError('TrainerCrashed', 'The trainer is busy with another job.')));
    else void runJob(request.id, request.job, request.input);
  });
  send({ type: 'ready' });
}

/** JSON has no number for a loss that is none: null stands for it. A rate that is none is left out. */
function finite({ loss, imagesPerSecond, ...rest }: TrainerProgress): TrainerProgress {
  return {
    ...rest,
    ...(loss === undefined ? {} : { loss: Number.isFinite(loss) ? loss : null }),
    ...(Number.isFinite(imagesPerSecond) ? { imagesPerSecond } : {}),
  };
}

/**
 * A result, made sure that it arrives as it is.
 *
 * @throws ContrailError NonFiniteLoss where a number of it is none, which would be so again
 */
function readable(job: TrainerJob, result: unknown): unknown {
  const read = trainerJobs[job].result.safeParse(result);
  if (read.success) return result;
  const places = read.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new ContrailError(
    'NonFiniteLoss',
    `${job} computed what is no number, or out of its range, at ${places}. The encoder or classifier that it works on has diverged; lower its learning rate and train it again.`,
  );
}

/** 0 for what no answer may have: the worker would end this process over it. */
const idOf = (raw: unknown): number =>
  typeof raw === 'object' && raw !== null && 'id' in raw && Number.isSafeInteger(raw.id) ? Number(raw.id) : 0;

const unreadable = (why: string) =>
  new ContrailError('TrainerCrashed', `The trainer cannot read what its worker asks (${why}). Start the worker again.`);

function failure(id: number, error: unknown): TrainerMessage {
  if (error instanceof JobStopped) return { type: 'stopped', id, at: error.at };
  const known = explained(error);
  if (known) return { type: 'error', id, code: known.code, message: known.message };
  if (error instanceof z.ZodError) return { type: 'error', id, code: 'InvalidInput', message: z.prettifyError(error) };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { type: 'error', id, code: 'TrainerCrashed', message, ...(stack ? { stack } : {}) };
}
