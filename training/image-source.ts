import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import type { DataConfig } from '../contracts/training.ts';
import { openSplit, readLabelMatrix, readWholeSplit } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';
import type { StepState } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';
import { residentImages } from './resident-images.ts';
import { type Batches, type BatchOrder, streamedBatches } from './streamed-batches.ts';

/**
 * Where steps get their batches from: images that are in TensorFlow's memory, of which a step is given the rows, or images
 * that stay in the store, which a step is given themselves. Both give the same numbers. `gatherBatch` takes either in a step.
 */
export interface ImageSource {
  /** The images in TensorFlow's memory, as `ResidentImages`; empty where they stay in the store. */
  readonly resident: StepState['resident'];
  /** The class of each image. */
  readonly classes: () => Promise<Int32Array>;
  /** Begins anywhere and may be closed anywhere; one at a time is open. */
  readonly batches: (order: BatchOrder) => Batches;
  /** Leaves `resident` alone, which belongs to the execution. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a split, in memory where it fits into `residentMiB`.
 *
 * @param config.byLabels steps get the further labels of the images, int32 [batch, L], not their classes, int32 [batch]
 * @param onCheck called again and again while files are checked, with the images of those that were, and of all
 */
export async function openImageSource(
  store: Store,
  dataset: ArtifactRef,
  name: SplitName,
  { residentMiB, readAhead, threads, byLabels = false }: DataConfig & { readonly byLabels?: boolean },
  onCheck?: (done: number, total: number) => void,
): Promise<ImageSource> {
  const matrix = byLabels ? await readLabelMatrix(store, dataset, name) : null;
  // As they are kept: views are cut out of them.
  const split = await openSplit(store, dataset, name, onCheck, { as: 'stored', threads });
  const { count, height, width, channels } = split;
  if (count * height * width * channels > residentMiB * 2 ** 20)
    return {
      resident: {},
      classes: split.labels,
      batches: (order) => streamedBatches(split, order, readAhead, matrix),
      close: split.close,
    };
  try {
    const whole = await readWholeSplit(split);
    const { labels } = whole;
    return {
      resident: { ...residentImages(whole, matrix) },
      classes: async () => labels,
      batches: residentBatches,
      close: async () => {},
    };
  } finally {
    await split.close();
  }
}

/** Each step gets one input: the rows of its batch, int32 [size]. */
function residentBatches({ size, from, rows }: BatchOrder): Batches {
  const values = copiedValues('int32', size);
  const inputs = [{ dtype: 'int32', shape: [size], values }] as const;
  let step = from;
  return {
    next: () => {
      values.set(rows(step++));
      return inputs;
    },
    close: async () => {},
  };
}
