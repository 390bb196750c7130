import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { indexAgain } from '../../contracts/index-again.ts';
import { explained, failureOf } from '../../contracts/system-errors.ts';
import type { Store } from '../../store/index.ts';
import type { UsedModel } from '../find-model.ts';
import { type ModelProcess, startModelProcess } from '../process/model-process.ts';
import { knownDataset, madeBefore } from '../training-index.ts';

/** Finds or makes the index of the images that a model was trained on. @throws ContrailError Usage, CorruptArtifact where it cannot be made */
export type IndexOfTraining = (
  used: UsedModel,
  process: Pick<ModelProcess, 'about' | 'infer'>,
  signal?: AbortSignal,
) => Promise<ArtifactRef>;

/**
 * The indexes of training images, in which versions that were promoted without an index find look-alikes.
 *
 * Owns: the making of one, in a process of its own, while the server answers.
 * Does not own: which version is served, and whether it waits for its index.
 *
 * T1. One is made at a time, for the version that was asked for last.
 * T2. What failed is tried again ever more seldom; what no other try would change is not.
 * T3. One that somebody else made, `contrail similar` say, is found.
 */
export interface TrainingImages {
  /** The index that is there; null where there is none yet. @throws ContrailError StoreUnreadable, CorruptArtifact */
  readonly made: (used: UsedModel) => Promise<ArtifactRef | null>;
  /** Begins to make it, unless that goes on or failed. */
  readonly begin: (used: UsedModel) => void;
  /** `failed` until it may be tried again. */
  readonly state: (used: UsedModel) => 'making' | 'failed' | 'idle';
  readonly close: () => Promise<void>;
}

export interface TrainingImagesOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Without it none is made. */
  readonly make: IndexOfTraining | undefined;
  /** Hears that one was made, or could not be. */
  readonly onEnd: () => void;
  readonly log: (line: string) => void;
}

const shortestPauseMs = 60_000;
const longestPauseMs = 3_600_000;
/** No other try would change what was found. */
const isFinal = (error: unknown) =>
  ['Usage', 'InvalidInput', 'CorruptArtifact', 'ReadOnly', 'NotPermitted'].includes(explained(error)?.code ?? '');

interface Making {
  readonly key: string;
  readonly control: AbortController;
  readonly done: Promise<void>;
}

export function createTrainingImages(options: TrainingImagesOptions): TrainingImages {
  const { store, make, onEnd, log } = options;
  const datasets = new Map<string, Promise<ArtifactRef>>();
  const failed = new Map<string, { readonly until: number; readonly times: number }>();
  let making: Making | null = null;
  let isClosed = false;

  /** It is that of an artifact, which never changes. */
  const datasetOf = (used: UsedModel): Promise<ArtifactRef> => {
    const known = datasets.get(keyOf(used)) ?? knownDataset(store, used);
    datasets.set(keyOf(used), known);
    known.catch(() => datasets.delete(keyOf(used)));
    return known;
  };
  const work = async (used: UsedModel, makeIndex: IndexOfTraining, signal: AbortSignal) => {
    const { encoder, classifier } = used;
    await datasetOf(used);
    signal.throwIfAborted();
    const process = await startModelProcess({
      ...{ storeUrl: options.storeUrl, encoder, classifier, log: () => {} },
      // What is asked of the server meanwhile has the other cores.
      environment: { TF_NUM_INTRAOP_THREADS: '1', ...options.environment },
    });
    try {
      await makeIndex(used, process, signal);
    } finally {
      await process.close();
    }
  };
  const state: TrainingImages['state'] = (used) => {
    const key = keyOf(used);
    if (making?.key === key) return 'making';
    return performance.now() < (failed.get(key)?.until ?? 0) ? 'failed' : 'idle';
  };
  const begin = (used: UsedModel): void => {
    const key = keyOf(used);
    if (!make || isClosed || state(used) !== 'idle') return;
    const before = making;
    before?.control.abort();
    const control = new AbortController();
    const done = (async () => {
      await before?.done;
      try {
        await work(used, make, control.signal);
        failed.delete(key);
        log(`The index of the images that ${used.name} was trained on is made.`);
      } catch (error) {
        if (control.signal.aborted) return;
        const times = (failed.get(key)?.times ?? 0) + 1;
        const pause = isFinal(error)
          ? Number.POSITIVE_INFINITY
          : Math.min(longestPauseMs, shortestPauseMs * 2 ** times);
        failed.set(key, { until: performance.now() + pause, times });
        log(
          `${used.name} has no look-alikes: it has no index, and none of its training images could be made. ${failureOf(error).message} To give it one, ${indexAgain(used.name)}.`,
        );
      } finally {
        if (making?.control === control) making = null;
        if (!control.signal.aborted) onEnd();
      }
    })();
    making = { key, control, done };
  };
  return {
    made: async (used) => {
      const dataset = await datasetOf(used).catch((error: unknown) => {
        if (isFinal(error)) return null;
        throw error;
      });
      return dataset && madeBefore(store, used.encoder, dataset);
    },
    begin,
    state,
    close: async () => {
      isClosed = true;
      making?.control.abort();
      await making?.done;
    },
  };
}

const keyOf = ({ encoder, classifier }: UsedModel) => `${encoder.digest}/${classifier?.digest ?? ''}`;
