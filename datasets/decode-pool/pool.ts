import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { childEnvironment } from '../../contracts/child-environment.ts';
import type { DecodeAnswer, DecodeRequest, StoredImage } from './messages.ts';

/** Images in a message: enough that messages cost little, few enough that all threads have work. */
const imagesAtOnce = 8;

const runner = new URL('../../native/run.mjs', import.meta.url);
const program = new URL('thread.ts', import.meta.url);

/**
 * Threads that decode images while this one does something else, a step of training say, in which it answers nobody. What they
 * give is a function of the images alone: it is the same for any number of threads.
 */
export interface DecodePool {
  /**
   * Decodes images into `pixels`.
   *
   * @param pixels bytes [images, side, side, channels]
   * @throws UndecodableImage
   */
  readonly decode: (
    images: readonly StoredImage[],
    form: Pick<DecodeRequest, 'side' | 'channels'>,
    pixels: Uint8Array,
  ) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** An image that the threads could not decode. */
export class UndecodableImage extends Error {
  override readonly name = 'UndecodableImage';
  constructor(
    /** Which of those that were asked for. */
    readonly image: number,
    why: string,
  ) {
    super(why);
  }
}

interface Waiting {
  readonly resolve: (pixels: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  /** Of the first image of the request among those that were asked for. */
  readonly first: number;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

export function createDecodePool(size: number): DecodePool {
  const threads: (Thread | undefined)[] = new Array<undefined>(size).fill(undefined);
  let next = 0;

  const start = (place: number): Thread => {
    const worker = new Worker(runner, {
      argv: [program.href],
      execArgv: [],
      env: childEnvironment(process.env, 'compute'),
    });
    const thread: Thread = { worker, waiting: new Map() };
    const fail = (error: Error) => {
      if (threads[place] === thread) threads[place] = undefined;
      for (const { reject } of thread.waiting.values()) reject(error);
      thread.waiting.clear();
    };
    worker.on('message', (answer: DecodeAnswer) => {
      const asker = thread.waiting.get(answer.id);
      thread.waiting.delete(answer.id);
      if (thread.waiting.size === 0) worker.unref();
      if ('pixels' in answer) asker?.resolve(answer.pixels);
      else asker?.reject(new UndecodableImage(asker.first + answer.failed, answer.why));
    });
    worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => fail(new Error('A thread that decodes images ended.')));
    // Only work that is under way keeps the process alive.
    worker.unref();
    threads[place] = thread;
    return thread;
  };

  /** Gives work to the thread that has least of it. */
  const ask = (request: Omit<DecodeRequest, 'id'>, first: number): Promise<Uint8Array> => {
    let place = 0;
    for (let at = 1; at < size; at++)
      if ((threads[at]?.waiting.size ?? 0) < (threads[place]?.waiting.size ?? 0)) place = at;
    const { worker, waiting } = threads[place] ?? start(place);
    return new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve, reject, first });
      worker.ref();
      worker.postMessage({ id, ...request } satisfies DecodeRequest);
    });
  };

  return {
    decode: async (images, form, pixels) => {
      const bytes = form.side * form.side * form.channels;
      const asked: Promise<void>[] = [];
      for (let first = 0; first < images.length; first += imagesAtOnce) {
        const some = images.slice(first, first + imagesAtOnce);
        asked.push(ask({ images: some, ...form }, first).then((decoded) => pixels.set(decoded, first * bytes)));
      }
      // Not the first failure: nothing may write into the pixels after this has returned.
      const failed = (await Promise.allSettled(asked)).find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread?.worker.terminate()));
    },
  };
}

const pools = new Map<number, DecodePool>();

/** The threads of this process, which start when they get work. @param size how many; as many as there are cores where absent */
export function decodePool(size: number = availableParallelism()): DecodePool {
  const known = pools.get(size);
  if (known) return known;
  const pool = createDecodePool(size);
  pools.set(size, pool);
  return pool;
}
