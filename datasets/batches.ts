import { permutation } from './random.ts';

/** The batches of one epoch. */
export interface BatchPlan {
  /** Images in a batch. */
  readonly size: number;
  readonly steps: number;
  /** Rows of the batch of a step: a view, not a copy. */
  readonly indices: (step: number) => Int32Array;
}

/**
 * Goes through all images once in an order that follows from (seed, epoch). What is left over after the last full batch is
 * left out of this epoch; where there are fewer images than a batch takes, they make one batch.
 */
export function batchPlan({
  count,
  batch,
  seed,
  epoch,
}: {
  count: number;
  batch: number;
  seed: number;
  epoch: number;
}): BatchPlan {
  const order = permutation(count, seed, 'batch order', epoch);
  const size = Math.min(batch, count);
  return { size, steps: Math.floor(count / size), indices: (step) => order.subarray(step * size, (step + 1) * size) };
}
