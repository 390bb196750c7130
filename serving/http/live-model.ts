import { isContrailError } from '../../contracts/errors.ts';
import type { ModelProcess } from '../process/model-process.ts';
import { HttpError } from './http-error.ts';

/** What of a process of TensorFlow is needed here. */
export type ComputeProcess = Pick<ModelProcess, 'infer' | 'close' | 'onEnd'>;

/**
 * A process of TensorFlow that is replaced when it dies.
 *
 * Owns: the process, and when another one starts.
 * Does not own: which photos are computed together.
 *
 * I1. What was being computed when a process died fails with 503, and so does what waits longer than `patienceMs` for the next.
 * I2. A process that dies soon after its start is replaced ever more slowly, up to `longestPauseMs`.
 */
export interface LiveModel<P extends ComputeProcess> {
  /** @throws HttpError Unavailable; what the process throws of the images */
  readonly infer: ModelProcess['infer'];
  /** Why nothing can be computed now; null where it can. */
  readonly problem: () => string | null;
  /** The process that is there, or was last. */
  readonly process: () => P;
  readonly close: () => Promise<void>;
}

export interface LiveModelOptions<P extends ComputeProcess> {
  readonly start: () => Promise<P>;
  readonly patienceMs: number;
  readonly onRestart: () => void;
  readonly log: (line: string) => void;
}

type State<P> =
  | { readonly is: 'ready'; readonly process: P; readonly since: number }
  | { readonly is: 'down'; readonly why: string; readonly cause: Error; readonly next: Promise<void> }
  | { readonly is: 'closed' };

/** One that lived so long did not die of its start. */
const soonMs = 30_000;
const shortestPauseMs = 500;
const longestPauseMs = 30_000;
const unavailableSeconds = 2;

/** @throws what the first start throws: a model that cannot be opened at all is not served */
export async function openLiveModel<P extends ComputeProcess>(options: LiveModelOptions<P>): Promise<LiveModel<P>> {
  const { start, patienceMs, onRestart, log } = options;
  let last = await start();
  let deaths = 0;
  let state: State<P> = { is: 'closed' };
  let pause: NodeJS.Timeout | undefined;
  let endPause: () => void = () => {};

  const become = (process: P) => {
    last = process;
    const mine: State<P> = { is: 'ready', process, since: performance.now() };
    state = mine;
    process.onEnd((cause) => {
      if (state !== mine) return;
      deaths = performance.now() - mine.since > soonMs ? 1 : deaths + 1;
      const why = 'The process that computes ended, and another is started.';
      state = { is: 'down', why, cause, next: replace() };
      log(`${cause.message} Another process of TensorFlow is started.`);
    });
  };
  const replace = async (): Promise<void> => {
    for (;;) {
      await rest(deaths <= 1 ? 0 : Math.min(longestPauseMs, shortestPauseMs * 2 ** (deaths - 2)));
      if (state.is === 'closed') return;
      try {
        const process = await start();
        if ((state as State<P>).is === 'closed') return void (await process.close());
        onRestart();
        log('Another process of TensorFlow is ready.');
        return become(process);
      } catch (error) {
        deaths++;
        const why = error instanceof Error ? error.message : String(error);
        log(`A process of TensorFlow could not be started: ${why}`);
      }
    }
  };
  const rest = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      endPause = resolve;
      pause = setTimeout(resolve, milliseconds);
    });
  const ready = async (): Promise<P> => {
    if (state.is === 'down') await Promise.race([state.next, timeOut(patienceMs)]);
    if (state.is === 'ready') return state.process;
    throw unavailable(state.is === 'down' ? state.cause : undefined);
  };

  become(last);
  return {
    infer: async (images, count) => {
      const process = await ready();
      try {
        return await process.infer(images, count);
      } catch (error) {
        // The process is gone, or going.
        if (isDeath(error)) throw unavailable(error);
        throw error;
      }
    },
    problem: () => (state.is === 'ready' ? null : state.is === 'down' ? state.why : 'The model is closed.'),
    process: () => last,
    close: async () => {
      const before = state;
      state = { is: 'closed' };
      clearTimeout(pause);
      endPause();
      if (before.is === 'ready') await before.process.close();
      else if (before.is === 'down') await before.next;
    },
  };
}

/** @param cause for the operator: it names files and signals, which its sender is not told */
const unavailable = (cause?: unknown) =>
  new HttpError(
    'Unavailable',
    `The process that computes is being replaced. Try again in ${unavailableSeconds} s.`,
    unavailableSeconds,
    { cause },
  );

/** A process that said nothing for too long is ended as well. */
const isDeath = (error: unknown) =>
  isContrailError(error) && (error.code === 'TrainerCrashed' || error.code === 'TrainerStalled');

const timeOut = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
