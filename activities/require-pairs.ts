import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { goesByLabels, positivesOf, type TrainingConfig } from '../contracts/training.ts';
import { visible } from '../contracts/visible-text.ts';
import { watchRules } from '../contracts/watch.ts';
import { describeDataset, haveSharedLabel, readLabelMatrix } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';

/**
 * Refuses a contrastive training that goes by labels which the data set does not have.
 *
 * @throws ContrailError InvalidInput
 */
export async function requireLabels(store: Store, dataset: ArtifactRef, config: TrainingConfig): Promise<void> {
  if (!goesByLabels(config)) return;
  const { name, labels } = await describeDataset(store, dataset);
  if (labels) return;
  throw new ContrailError(
    'InvalidInput',
    `loss.supcon.positives: ${positivesOf(config)} goes by the further labels of images, and the data set ${visible(name)} has none. Name their columns in \`columns: { labels: [...] }\` of a prepare-data with dataset: table (a step of your own: \`labels\` of its writer), or train with positives: class.`,
  );
}

/**
 * Refuses a contrastive training before its first epoch where no two images share what it goes by, a class or a label: these would
 * have no effect, and no batch would help. Who wants that, ignores the rule.
 *
 * @throws ContrailError InvalidInput
 */
export async function requirePairs(
  store: Store,
  dataset: ArtifactRef,
  config: TrainingConfig,
  parameters: Parameters<typeof watchRules>[0],
): Promise<void> {
  if (watchRules(parameters).health.withoutPositives.action === 'ignore') return;
  const without = 'To learn from two views of each image alone, set health: { withoutPositives: { action: ignore } }.';
  if (goesByLabels(config)) {
    const matrix = await readLabelMatrix(store, dataset, 'train');
    if (haveSharedLabel(matrix)) return;
    throw new ContrailError(
      'InvalidInput',
      `No two training images share a label (${matrix.names.map(visible).join(', ')}), so SupCon has no pair of images to learn from. Name columns in which labels occur more than once. ${without}`,
    );
  }
  const { perClass } = (await describeDataset(store, dataset)).splits.train;
  if (perClass.some((count) => count > 1)) return;
  throw new ContrailError(
    'InvalidInput',
    `No class of the data set has two training images, so SupCon has no pair of one class to learn from. Add images to the classes, or lower \`validation\` and \`test\` of prepare-data. ${without}`,
  );
}
