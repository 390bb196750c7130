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
      send({ type: 'progress', progress });
    },
  };

  const runJob = async (id: number, job: TrainerJob, input: unknown) => {
    running = true;
    stopping = false;
    try {
      const handler = handlers[job] as (input: unknown, context: JobContext) => Promise<unknown>;
      send({ type: 'result', id, result: await handler(trainerJobs[job].input.parse(input), context) });
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
    const request = trainerRequestSchema.parse(raw);
    if (request.type === 'stop') stopping = true;
    else if (running)
      send(failure(request.id, new ContrailError('TrainerCrashed', 'The trainer is busy with another job.')));
    else void runJob(request.id, request.job, request.input);
  });
  send({ type: 'ready' });
}

function failure(id: number, error: unknown): TrainerMessage {
  if (error instanceof JobStopped) return { type: 'stopped', id, at: error.at };
  const known = explained(error);
  if (known) return { type: 'error', id, code: known.code, message: known.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { type: 'error', id, code: 'TrainerCrashed', message, ...(stack ? { stack } : {}) };
}
