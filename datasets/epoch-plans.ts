import { balancedBatchPlan, balancedShape, membersOfClasses } from './balanced-batches.ts';
import { type BatchPlan, batchPlan } from './batches.ts';
import type { ClassSets } from './class-sets.ts';

/**
 * The batches of each epoch of a training: images in any order, or the same number of each class of a batch.
 *
 * @param images.labels of all images; only a balanced plan looks at them
 * @param order.perClass images of each class in a batch; absent: batches are not balanced
 * @throws ContrailError InvalidInput where `perClass` does not divide `batch`
 */
export function epochPlans(
  { count, labels, classes }: { readonly count: number; readonly labels: Int32Array; readonly classes: number },
  {
    perClass,
    batch,
    seed,
    minimumSteps,
  }: {
    readonly perClass?: number | undefined;
    readonly batch: number;
    readonly seed: number;
    readonly minimumSteps?: number | undefined;
  },
): (epoch: number, setsOf?: ClassSets) => BatchPlan {
  if (perClass === undefined) return (epoch) => batchPlan({ count, batch, seed, epoch, minimumSteps });
  const members = membersOfClasses(labels, classes);
  const counts = members.map(({ length }) => length);
  const shape = balancedShape(counts, batch, perClass);
  return (epoch, setsOf) => balancedBatchPlan(members, shape, { seed, epoch, minimumSteps }, setsOf);
}
