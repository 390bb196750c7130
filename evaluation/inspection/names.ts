import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { InspectedImage } from '../../contracts/inspection.ts';
import { readRowFacts } from '../../datasets/index.ts';
import type { Store } from '../../store/index.ts';
import type { Part } from './looks.ts';

/**
 * What to call the images of all parts, one after the other: what the data set calls them, else split and row, as `train:123`.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function namesOf(
  store: Store,
  dataset: ArtifactRef,
  parts: readonly Pick<Part, 'split' | 'rows'>[],
): Promise<(image: number) => Omit<InspectedImage, 'label'>> {
  const named: Omit<InspectedImage, 'label'>[] = [];
  for (const { split, rows } of parts) {
    const facts = await readRowFacts(store, dataset, split);
    for (const row of rows) named.push({ split, row, name: facts?.[row]?.name ?? `${split}:${row}` });
  }
  return (image) => {
    const found = named[image];
    if (!found) throw new RangeError(`there is no image ${image}`);
    return found;
  };
}
