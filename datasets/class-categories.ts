import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Store } from '../store/index.ts';
import { readRowFacts } from './row-facts.ts';

/**
 * The category of each class: that of most of its training images, of several the first by name; an empty text where its images have
 * none.
 *
 * @param labels of the training images
 * @throws ContrailError InvalidInput where no training image has a category
 */
export async function categoriesOfClasses(
  store: Store,
  dataset: ArtifactRef,
  labels: Int32Array,
  classes: number,
): Promise<readonly string[]> {
  const facts = await readRowFacts(store, dataset, 'train');
  if (!facts?.some(({ category }) => category !== undefined))
    throw new ContrailError(
      'InvalidInput',
      'sampler.balanced.within: category, but no training image has a category. Name a column of the table by `columns.category`, give `category` to the writer of the data set, or leave `within` out.',
    );
  const counts = Array.from({ length: classes }, () => new Map<string, number>());
  for (const [row, { category = '' }] of facts.entries()) {
    const own = counts[labels[row] ?? -1];
    own?.set(category, (own.get(category) ?? 0) + 1);
  }
  return counts.map((own) => {
    const [most] = [...own].sort(([a, of], [b, ofOther]) => ofOther - of || (a < b ? -1 : 1));
    return most?.[0] ?? '';
  });
}
