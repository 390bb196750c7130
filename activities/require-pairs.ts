import { type ArtifactRef, trainedClassesOf } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { learnsClasses, lossTitles, mostLearnedClasses, namedLoss } from '../contracts/losses.ts';
import { goesByLabels, isContrastive, positivesOf, type TrainingConfig } from '../contracts/training.ts';
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
 * Refuses a training that learns a vector for each class of a data set with more classes than it can compare a batch with.
 *
 * @throws ContrailError InvalidInput
 */
export async function requireFewClasses(store: Store, dataset: ArtifactRef, config: TrainingConfig): Promise<void> {
  const loss = isContrastive(config) ? namedLoss(config.loss).name : null;
  if (loss === null || !learnsClasses(loss)) return;
  const about = await describeDataset(store, dataset);
  const classes = trainedClassesOf(about).length;
  if (classes <= mostLearnedClasses) return;
  throw new ContrailError(
    'InvalidInput',
    `loss.${loss} learns a vector for each class and compares every image with all of them, of at most ${mostLearnedClasses} classes; the data set ${visible(about.name)} has ${classes}. Choose a loss that compares the images of a batch with each other: supcon, nPairs, triplet or multiSimilarity.`,
  );
}

/**
 * Refuses a contrastive training before its first epoch where no two images share what it goes by, a class or a label: these would
 * have no effect, and no batch would help. Who wants that, ignores the rule. A loss that learns a vector for each class needs no pair.
 *
 * @throws ContrailError InvalidInput
 */
export async function requirePairs(
  store: Store,
  dataset: ArtifactRef,
  config: TrainingConfig,
  parameters: Parameters<typeof watchRules>[0],
): Promise<void> {
  if (!isContrastive(config) || watchRules(parameters).health.withoutPositives.action === 'ignore') return;
  const { name } = namedLoss(config.loss);
  if (learnsClasses(name)) return;
  const without = 'To learn from two views of each image alone, set health: { withoutPositives: { action: ignore } }.';
  if (goesByLabels(config)) {
    const matrix = await readLabelMatrix(store, dataset, 'train');
    if (haveSharedLabel(matrix)) return;
    throw new ContrailError(
      'InvalidInput',
      `No two training images share a label (${matrix.names.map(visible).join(', ')}), so ${lossTitles[name]} has no pair of images to learn from. Name columns in which labels occur more than once. ${without}`,
    );
  }
  const { perClass } = (await describeDataset(store, dataset)).splits.train;
  if (perClass.some((count) => count > 1)) return;
  throw new ContrailError(
    'InvalidInput',
    `No class of the data set has two training images, so ${lossTitles[name]} has no pair of one class to learn from. Add images to the classes, or lower \`validation\` and \`test\` of prepare-data. ${without}`,
  );
}
