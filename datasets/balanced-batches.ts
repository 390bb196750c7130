import { ContrailError } from '../contracts/errors.ts';
import type { BatchPlan } from './batches.ts';
import { anySets, type ClassSets } from './class-sets.ts';
import { permutation } from './random.ts';
import { rowsByClass } from './rows-by-class.ts';

/** How many classes a balanced batch has, and how many images that makes. */
export interface BalancedShape {
  readonly classes: number;
  readonly size: number;
}

/**
 * The shape of batches with the same number of images of each of their classes. Where there are fewer classes than fit into a
 * batch, all are in each, and the batch is smaller. A class without images, as a split by chance leaves some of a thousand
 * classes of two images, is in no batch.
 *
 * @param counts images of each class, at least one of all
 * @param batch images in a batch at most
 * @param perClass images of each class in a batch
 * @throws ContrailError InvalidInput where `perClass` does not divide `batch`
 */
export function balancedShape(counts: readonly number[], batch: number, perClass: number): BalancedShape {
  if (batch % perClass !== 0)
    throw new ContrailError(
      'InvalidInput',
      `sampler.balanced.perClass: ${perClass} does not divide the batch of ${batch} images. Choose a divisor of it.`,
    );
  const chosen = Math.min(batch / perClass, counts.filter((count) => count > 0).length);
  return { classes: chosen, size: chosen * perClass };
}

/** The rows of each class, in order. */
export function membersOfClasses(labels: Int32Array, classes: number): Int32Array[] {
  const rows = rowsByClass(labels);
  return Array.from({ length: classes }, (_, label) => Int32Array.from(rows.get(label) ?? []));
}

/**
 * The batches of an epoch where each has `perClass` images of each of its classes. Classes, and the images of a class, are
 * drawn without repetition until all have been drawn, then anew; so within an epoch no class is in two batches more than
 * another, and no image is drawn twice more than another of its class. A class with fewer images than `perClass` has some of
 * them more than once in a batch. The order follows from (seed, epoch).
 *
 * @param members rows of each class, by label; a class without rows is passed over
 * @param shape of `balancedShape`
 * @param order.minimumSteps where all images make fewer batches
 * @param setsOf which classes come together
 */
export function balancedBatchPlan(
  members: readonly Int32Array[],
  { classes, size }: BalancedShape,
  order: { readonly seed: number; readonly epoch: number; readonly minimumSteps?: number | undefined },
  setsOf: ClassSets = anySets,
): BatchPlan {
  const { seed, epoch, minimumSteps = 1 } = order;
  const count = members.reduce((sum, { length }) => sum + length, 0);
  const steps = Math.max(minimumSteps, Math.floor(count / size));
  const perClass = size / classes;
  const streams = members.map((own, label) => drawRows(own, label, seed, epoch));
  const filled = [...members.keys()].filter((label) => (members[label]?.length ?? 0) > 0);
  const nextClasses = setsOf(filled, classes, { seed, epoch });
  const rows = new Int32Array(steps * size);
  for (let at = 0; at < rows.length; )
    for (const label of nextClasses())
      for (let drawn = 0; drawn < perClass; drawn++) rows[at++] = streams[label]?.() ?? 0;
  return { size, steps, indices: (step) => rows.subarray(step * size, (step + 1) * size) };
}

/** The rows of a class one by one, in another order in each round. */
function drawRows(rows: Int32Array, label: number, seed: number, epoch: number): () => number {
  let round = 0;
  let at = rows.length;
  let order: Int32Array = new Int32Array();
  return () => {
    if (at === rows.length) {
      order = permutation(rows.length, seed, 'images of a class', epoch, label, round++);
      at = 0;
    }
    return rows[order[at++] ?? 0] ?? 0;
  };
}
