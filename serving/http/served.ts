import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { EncoderAbout } from '../../contracts/encoder.ts';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import type { ServedBy } from '../../contracts/serving.ts';
import type { Store } from '../../store/index.ts';
import { inferenceSizes } from '../../training/inference-sizes.ts';
import { openIndex, requireEncoder } from '../../vectors/index.ts';
import { type Computed, computeTogether } from '../compute.ts';
import type { UsedModel } from '../find-model.ts';
import { type PhotoReader, photoReader } from '../photos.ts';
import { type ModelProcess, startModelProcess } from '../process/model-process.ts';
import { type Batcher, createBatcher } from './batcher.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { type LiveIndex, noIndex, openLiveIndex } from './live-index.ts';
import { type LiveKnowing, openLiveKnowing } from './live-knowing.ts';
import { type LiveModel, openLiveModel } from './live-model.ts';
import { once } from './once.ts';
import type { IndexOfTraining } from './training-images.ts';

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
  readonly index: LiveIndex;
  readonly knowing: LiveKnowing;
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
  /** For a run's model that has no index, before it serves. */
  readonly indexOfTraining?: IndexOfTraining;
}

export interface HowToOpen {
  /** Whether it is served without its index where that is damaged or gone. */
  readonly mayLackIndex: boolean;
  /** Where a promoted version has no index: that of the images that it was trained on; null where there is none yet. */
  readonly trainingIndex: ArtifactRef | null;
}

/** Opens versions of a model; those with the same encoder and classifier share a process. @returns opens one */
export function createOpener(options: ServedOptions): (used: UsedModel, how: HowToOpen) => Promise<Served> {
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

  return async (used, { mayLackIndex, trainingIndex }) => {
    const opened: (() => Promise<void>)[] = [];
    const close = async () => void (await Promise.all(opened.splice(0).map((each) => each())));
    try {
      const { store, limits, log } = options;
      const knowing = await openLiveKnowing({
        ...{ store, evaluation: used.evaluation, pollMs: limits.pollMs, log },
        onLack: (lack) => used.classifier && log(`${used.name}: ${lack}`),
      });
      opened.push(knowing.close);
      const ref = used.index ?? trainingIndex;
      const given = ref ? await openIndexOf(used, ref, mayLackIndex, options) : noIndex;
      opened.push(given.close);
      const { computer, leave } = await take(used);
      opened.push(leave);
      const made = ref ? null : await trainingIndexOf(used, computer, options);
      const index = made ? await openIndexOf(used, made, mayLackIndex, options) : given;
      if (made) opened.push(index.close);
      await tryOut(computer, { index, knowing });
      return servedOf(used, ref ?? made, { index, knowing }, computer, close);
    } catch (error) {
      await close();
      throw error;
    }
  };
}

/** Look-alikes of a run's model without an index are its training images, as in the commands; null where these are not there. */
async function trainingIndexOf(
  used: UsedModel,
  { live, about }: Computer,
  { indexOfTraining, log }: ServedOptions,
): Promise<ArtifactRef | null> {
  if (used.version !== null || !indexOfTraining) return null;
  try {
    return await indexOfTraining(used, { about, infer: live.infer });
  } catch (error) {
    if (!isContrailError(error) || !['Usage', 'CorruptArtifact'].includes(error.code)) throw error;
    log(`${used.name} is served without look-alikes: ${error.message}`);
    return null;
  }
}

function openIndexOf(
  { encoder, name }: UsedModel,
  ref: ArtifactRef,
  mayLack: boolean,
  { store, limits, log }: ServedOptions,
): Promise<LiveIndex> {
  const open = async (thorough: boolean) => {
    const index = await openIndex(store, ref, { thorough });
    try {
      requireEncoder(index.about, encoder, `the model ${name}`);
      return index;
    } catch (error) {
      await index.close();
      throw error;
    }
  };
  return openLiveIndex({ ref, open, mayLack, pollMs: limits.pollMs, log });
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
async function tryOut({ live, about }: Computer, { index, knowing }: Pick<Served, 'index' | 'knowing'>): Promise<void> {
  const { embeddings } = await live.infer(new Uint8Array(bytesOf(about.encoder)), 1).catch((error: unknown) => {
    // What requests are told says nothing of the reason.
    throw error instanceof HttpError && error.cause !== undefined ? error.cause : error;
  });
  await Promise.all([index.now()?.search(embeddings, 1), knowing.now().known?.nearest(embeddings)]);
}

const bytesOf = ({ image: { height, width, channels } }: EncoderAbout) => height * width * channels;

function servedOf(
  used: UsedModel,
  searched: ArtifactRef | null,
  { index, knowing }: Pick<Served, 'index' | 'knowing'>,
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
      index: searched?.digest ?? null,
    },
    used,
    about,
    index,
    knowing,
    read,
    batcher,
    // Without a classifier the index alone names classes.
    problem: () => live.problem() ?? (about.classifier ? null : index.problem()),
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
