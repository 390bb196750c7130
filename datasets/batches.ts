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
 * Goes through all images in an order that follows from (seed, epoch); where that is too few steps, again and again, each time in
 * another order. What is left over after the last full batch is left out; where there are fewer images than a batch takes, they
 * make one batch.
 */
export function batchPlan({
  count,
  batch,
  seed,
  epoch,
  minimumSteps = 1,
}: {
  readonly count: number;
  readonly batch: number;
  readonly seed: number;
  readonly epoch: number;
  readonly minimumSteps?: number | undefined;
}): BatchPlan {
  const size = Math.min(batch, count);
  const once = Math.floor(count / size);
  const orderOf = (round: number) => permutation(count, seed, 'batch order', epoch, ...(round === 0 ? [] : [round]));
  let held = { round: 0, order: orderOf(0) };
  return {
    size,
    steps: Math.max(once, minimumSteps),
    indices: (step) => {
      const [round, from] = [Math.floor(step / once), (step % once) * size];
      if (held.round !== round) held = { round, order: orderOf(round) };
      return held.order.subarray(from, from + size);
    },
  };
}
