import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import type { Calibration } from '../../contracts/calibration.ts';
import type { EncoderAbout } from '../../contracts/encoder.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { ServedBy } from '../../contracts/serving.ts';
import type { Store } from '../../store/index.ts';
import { inferenceSizes } from '../../training/inference-sizes.ts';
import { openIndex, requireEncoder, type VectorIndex } from '../../vectors/index.ts';
import { calibrationOf } from '../calibration-of.ts';
import { type Computed, computeTogether } from '../compute.ts';
import type { UsedModel } from '../find-model.ts';
import { type PhotoReader, photoReader } from '../photos.ts';
import { type ModelProcess, startModelProcess } from '../process/model-process.ts';
import { type Batcher, createBatcher } from './batcher.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { type LiveModel, openLiveModel } from './live-model.ts';
import { once } from './once.ts';

/** A model that computes: encoder and classifier in their process. Several versions that differ in their index share it. */
interface Computer {
  readonly live: LiveModel<ModelProcess>;
  readonly batcher: Batcher<Computed>;
  readonly read: PhotoReader;
  readonly about: ModelProcess['about'];
}

/**
 * One version of a model with everything that an answer of it needs: an answer takes all its parts from one of these.
 *
 * I1. It is closed when it is no longer current and no request uses it.
 * I2. A process ends with the last version that uses it.
 */
export interface Served {
  readonly by: ServedBy;
  readonly used: UsedModel;
  readonly about: ModelProcess['about'];
  readonly index: VectorIndex | null;
  /** What its evaluation chose on validation images; null where it did not. */
  readonly calibration: Calibration | null;
  readonly read: PhotoReader;
  readonly batcher: Batcher<Computed>;
  /** Why nothing can be computed now; null where it can. */
  readonly problem: () => string | null;
  /** For the length of a request. @returns ends the use */
  readonly use: () => () => void;
  /** Ends it once no request uses it. */
  readonly retire: () => Promise<void>;
}

export interface ServedOptions {
  readonly store: Store;
  readonly storeUrl: string;
  /** Of the process of TensorFlow. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: ServeLimits;
  readonly onComputed: (images: number, seconds: number) => void;
  readonly onRestart: () => void;
  readonly log: (line: string) => void;
}

/** Opens versions of a model; those with the same encoder and classifier share a process. */
export function createOpener(options: ServedOptions): (used: UsedModel) => Promise<Served> {
  const computers = new Map<string, { readonly opened: Promise<Computer>; users: number }>();

  const take = async (used: UsedModel): Promise<{ computer: Computer; leave: () => Promise<void> }> => {
    const key = `${used.encoder.digest}/${used.classifier?.digest ?? ''}`;
    const entry = computers.get(key) ?? { opened: openComputer(used, options), users: 0 };
    computers.set(key, entry);
    entry.users++;
    const leave = async () => {
      if (--entry.users > 0) return;
      computers.delete(key);
      await entry.opened.then(
        ({ live }) => live.close(),
        () => {},
      );
    };
    try {
      return { computer: await entry.opened, leave };
    } catch (error) {
      await leave();
      throw error;
    }
  };

  return async (used) => {
    const calibration = await calibrationOf(options.store, used.evaluation);
    const index = used.index ? await openIndex(options.store, used.index) : null;
    try {
      if (index) requireEncoder(index.about, used.encoder, `the model ${used.name}`);
      const { computer, leave } = await take(used);
      try {
        await tryOut(computer, index);
      } catch (error) {
        await leave();
        throw error;
      }
      return servedOf(used, { index, calibration }, computer, async () => {
        await Promise.all([leave(), index?.close()]);
      });
    } catch (error) {
      await index?.close();
      throw error;
    }
  };
}

async function openComputer(used: UsedModel, options: ServedOptions): Promise<Computer> {
  const { limits, log } = options;
  const startWith = async (threads: Readonly<Record<string, string>>) => {
    const process = await startModelProcess({
      storeUrl: options.storeUrl,
      encoder: used.encoder,
      classifier: used.classifier,
      environment: { ...threads, ...options.environment },
      beatTimeoutMs: limits.beatMs,
      log: (line) => {
        if (!isChatter(line)) log(`TensorFlow: ${line}`);
      },
    });
    try {
      const took = await warmUp(process, limits);
      process.limitSilence(Math.max(limits.stallMs, 5 * took.slowest));
      return { process, largest: took.largest };
    } catch (error) {
      await process.close();
      throw error;
    }
  };
  /** What the first process has shown to be the better. */
  let threads = env.TF_NUM_INTRAOP_THREADS === undefined ? oneThread : {};
  const live = await openLiveModel({
    start: async () => {
      const { process, largest } = await startWith(threads);
      if (threads !== oneThread || largest < worthThreadsMs || availableParallelism() === 1) return process;
      threads = {};
      await process.close();
      return (await startWith(threads)).process;
    },
    patienceMs: limits.patienceMs,
    onRestart: options.onRestart,
    log,
  });
  const { about } = live.process();
  const compute = async (images: readonly Uint8Array[]) => {
    const since = performance.now();
    const computed = await computeTogether(live, images);
    options.onComputed(images.length, (performance.now() - since) / 1000);
    return computed;
  };
  return {
    live,
    about,
    read: photoReader(about.encoder),
    batcher: createBatcher({ compute, most: limits.batch, waitMs: limits.batchWaitMs }),
  };
}

/** What TensorFlow says of itself at each start. */
const isChatter = (line: string) => /^(I\d{4} |WARNING: All log messages before absl)/.test(line);

/** A second thread of TensorFlow's halves a batch that takes long; to one that does not it adds its own cost and saves nothing. */
const oneThread: Readonly<Record<string, string>> = { TF_NUM_INTRAOP_THREADS: '1' };
const worthThreadsMs = 200;

/**
 * The first images are the slow ones: graphs are captured for each size of a batch, which may be silent for minutes.
 *
 * @returns milliseconds of the slowest, and of the largest batch once it is captured
 */
async function warmUp(
  { infer, about }: Pick<ModelProcess, 'infer' | 'about'>,
  { batch }: ServeLimits,
): Promise<{ readonly slowest: number; readonly largest: number }> {
  const timed = async (count: number) => {
    const since = performance.now();
    await infer(new Uint8Array(count * bytesOf(about.encoder)), count);
    return performance.now() - since;
  };
  let slowest = 0;
  for (const count of new Set([...inferenceSizes.filter((each) => each < batch), batch]))
    slowest = Math.max(slowest, await timed(count));
  return { slowest, largest: await timed(batch) };
}

/** One photo from its pixels to its look-alikes. @throws ContrailError what ended the process */
async function tryOut({ live, about }: Computer, index: VectorIndex | null): Promise<void> {
  const { embeddings } = await live.infer(new Uint8Array(bytesOf(about.encoder)), 1).catch((error: unknown) => {
    // What requests are told says nothing of the reason.
    throw error instanceof HttpError && error.cause !== undefined ? error.cause : error;
  });
  await index?.search(embeddings, 1);
}

const bytesOf = ({ image: { height, width, channels } }: EncoderAbout) => height * width * channels;

function servedOf(
  used: UsedModel,
  { index, calibration }: Pick<Served, 'index' | 'calibration'>,
  { live, batcher, read, about }: Computer,
  close: () => Promise<void>,
): Served {
  let uses = 0;
  let onUnused: (() => void) | undefined;
  return {
    by: {
      model: used.name,
      version: used.version,
      encoder: used.encoder.digest,
      index: used.index?.digest ?? null,
    },
    used,
    about,
    index,
    calibration,
    read,
    batcher,
    problem: live.problem,
    use: () => {
      if (onUnused) throw new ContrailError('InvalidInput', 'A model that is retired takes no request.');
      uses++;
      return once(() => {
        uses--;
        if (uses === 0) onUnused?.();
      });
    },
    retire: async () => {
      await new Promise<void>((resolve) => {
        onUnused = resolve;
        if (uses === 0) resolve();
      });
      await close();
    },
  };
}
