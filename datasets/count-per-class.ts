import { type DatasetAbout, splitNames, splitOf } from '../contracts/artifacts.ts';

/** How many of the labels are those of each class. */
export function countPerClass(labels: ArrayLike<number>, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of Array.from(labels)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** How many images of a class all splits have together. */
export const imagesOfClass = (splits: DatasetAbout['splits'], label: number): number =>
  splitNames.reduce((sum, name) => sum + (splitOf({ splits }, name).perClass[label] ?? 0), 0);
