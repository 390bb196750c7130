import { once } from './once.ts';

/**
 * Puts photos of different requests together, because TensorFlow takes hardly longer for several than for one.
 *
 * Owns: the order of photos, and when a batch begins.
 * Does not own: how many may wait (see `admission.ts`), or the process that computes.
 *
 * I1. One batch is computed at a time; the next one gathers meanwhile.
 * I2. A photo waits for others at most `waitMs` while nothing is computed, and only for those that are on their way.
 * I3. A photo whose request has ended is not computed.
 * I4. Each photo gets one answer, or the error of its batch.
 */
export interface Batcher<T> {
  /** @throws what `compute` throws for its batch; the reason of `signal` where that came first */
  readonly add: (image: Uint8Array, signal: AbortSignal) => Promise<T>;
  /** Tells of a photo that may come, which is worth a short wait. @returns takes it back, when it has been added or will not come */
  readonly expect: () => () => void;
  /** Photos that wait. */
  readonly waiting: () => number;
}

export interface BatcherOptions<T> {
  readonly compute: (images: readonly Uint8Array[]) => Promise<readonly T[]>;
  /** Photos in a batch. */
  readonly most: number;
  readonly waitMs: number;
}

interface Waiting<T> {
  readonly image: Uint8Array;
  readonly signal: AbortSignal;
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
}

export function createBatcher<T>({ compute, most, waitMs }: BatcherOptions<T>): Batcher<T> {
  let queue: Waiting<T>[] = [];
  let expected = 0;
  let computing = false;
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;

  const consider = () => {
    if (computing || queue.length === 0) return;
    if (queue.length >= most || expected === 0 || isLate) {
      clearTimeout(timer);
      timer = undefined;
      isLate = false;
      void begin();
    } else
      timer ??= setTimeout(() => {
        timer = undefined;
        isLate = true;
        consider();
      }, waitMs);
  };
  const begin = async () => {
    queue = queue.filter(({ signal }) => !signal.aborted);
    const batch = queue.splice(0, most);
    if (batch.length === 0) return;
    computing = true;
    try {
      const answers = await compute(batch.map(({ image }) => image));
      batch.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer === undefined) reject(new Error(`${answers.length} answers for ${batch.length} photos`));
        else resolve(answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      computing = false;
      consider();
    }
  };

  return {
    add: (image, signal) =>
      new Promise<T>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        queue.push({ image, signal, resolve, reject });
        // Those that come in the same turn of the event loop go together.
        setImmediate(consider);
      }),
    expect: () => {
      expected++;
      return once(() => {
        expected--;
        if (expected === 0) setImmediate(consider);
      });
    },
    waiting: () => queue.length,
  };
}
