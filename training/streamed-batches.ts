import type { LabelMatrix, OpenSplit } from '../datasets/index.ts';
import type { TensorValue } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';

/** Which rows each step takes. */
export interface BatchOrder {
  /** Images in a batch. */
  readonly size: number;
  /** The first step. */
  readonly from: number;
  /** The one after the last. */
  readonly to: number;
  /** Rows of the batch of a step; not to be changed afterwards. */
  readonly rows: (step: number) => Int32Array;
}

/** The batches of some steps, one after the other. */
export interface Batches {
  /** The inputs of the next step; the arrays in them are filled anew from the following call on. */
  readonly next: () => readonly TensorValue[] | Promise<readonly TensorValue[]>;
  /** Waits for the reads that are under way. */
  readonly close: () => Promise<void>;
}

interface Slot {
  readonly images: TensorValue & { readonly values: Uint8Array };
  /** One a row. */
  readonly classes: Int32Array;
  /** Those that the step gets. */
  readonly labels: TensorValue & { readonly values: Int32Array };
  readonly inputs: readonly TensorValue[];
  filled: Promise<void>;
}

/**
 * Reads batches in advance, into a ring of buffers that is allocated once: one that the step works with, and `readAhead`
 * that are filled meanwhile.
 *
 * Each step gets two inputs: the images, uint8 [size, height, width, channels], and their labels, int32 [size], or [size, L] of
 * a matrix.
 *
 * @param readAhead batches; with 0 each is read when it is asked for
 * @param matrix further labels of all rows, in place of their classes
 */
export function streamedBatches(
  split: Pick<OpenSplit, 'height' | 'width' | 'channels' | 'read'>,
  { size, from, to, rows }: BatchOrder,
  readAhead: number,
  matrix: LabelMatrix | null = null,
): Batches {
  const shape = [size, split.height, split.width, split.channels];
  const ring = Array.from({ length: readAhead + 1 }, (): Slot => {
    const values = copiedValues(
      'uint8',
      shape.reduce((a, b) => a * b, 1),
    );
    const images = { dtype: 'uint8', shape, values } as const;
    const classes = copiedValues('int32', size);
    const columns = matrix?.names.length ?? 1;
    const labels = matrix
      ? ({ dtype: 'int32', shape: [size, columns], values: copiedValues('int32', size * columns) } as const)
      : ({ dtype: 'int32', shape: [size], values: classes } as const);
    return { images, classes, labels, inputs: [images, labels], filled: Promise.resolve() };
  });
  const slotOf = (step: number) => ring[step % ring.length] as Slot;
  let [started, given] = [from, from];
  const start = () => {
    if (started >= to) return;
    const slot = slotOf(started);
    const wanted = rows(started);
    slot.filled = split.read(wanted, slot.images.values, slot.classes);
    if (matrix) copyLabels(matrix, wanted, slot.labels.values);
    // It is awaited when its turn comes.
    slot.filled.catch(() => {});
    started++;
  };
  for (let ahead = 0; ahead < readAhead; ahead++) start();
  return {
    next: async () => {
      if (given >= to) throw new RangeError(`there is no step ${given}`);
      // The buffer of the step before is free from now on.
      start();
      const slot = slotOf(given++);
      await slot.filled;
      return slot.inputs;
    },
    close: async () => {
      started = to;
      await Promise.allSettled(ring.map(({ filled }) => filled));
    },
  };
}

/** Labels of some rows of a matrix, one row after the other. */
function copyLabels({ names, values }: LabelMatrix, rows: Int32Array, into: Int32Array): void {
  const columns = names.length;
  for (const [at, row] of rows.entries()) into.set(values.subarray(row * columns, (row + 1) * columns), at * columns);
}
