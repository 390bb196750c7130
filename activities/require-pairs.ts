import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { watchRules } from '../contracts/watch.ts';
import { describeDataset } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';

/**
 * Refuses a contrastive training before its first epoch where no class has two images: its labels would have no effect, and
 * no batch would help. Who wants that, ignores the rule.
 *
 * @throws ContrailError InvalidInput
 */
export async function requirePairs(
  store: Store,
  dataset: ArtifactRef,
  parameters: Parameters<typeof watchRules>[0],
): Promise<void> {
  if (watchRules(parameters).health.withoutPositives.action === 'ignore') return;
  const { perClass } = (await describeDataset(store, dataset)).splits.train;
  if (perClass.some((count) => count > 1)) return;
  throw new ContrailError(
    'InvalidInput',
    'No class of the data set has two training images, so SupCon has no pair of one class to learn from. Add images to the classes, or lower `validation` and `test` of prepare-data. To learn from two views of each image alone, set health: { withoutPositives: { action: ignore } }.',
  );
}
