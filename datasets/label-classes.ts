import { times } from '../contracts/counted.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import { lookAlikes, sortByBytes, withCodePoints } from './folder/class-names.ts';
import type { SplitFolder } from './folder/layout.ts';

const mostNamed = 8;

/** Images of each split by the names of their classes. Splits that the source does not have are absent. */
export type LabelledSplits<T> = Readonly<Partial<Record<SplitFolder, readonly T[]>>>;

/**
 * The classes of images that have labels, as those of a folder: what is trained on decides, and no two may look the same.
 *
 * @param nothing why there is no image at all, where there is none
 * @returns the classes in the order of their numbers, and what is wrong with them
 */
export function classesOf(
  splits: LabelledSplits<{ readonly label: string }>,
  nothing: string,
): {
  readonly classes: readonly string[];
  readonly problems: readonly string[];
} {
  const labelsOf = (split: SplitFolder) => [...new Set((splits[split] ?? []).map(({ label }) => label))];
  const classes = sortByBytes(labelsOf('train'), (label) => label);
  const known = new Set(classes);
  const alike = lookAlikes([...new Set((['train', 'validation', 'test'] as const).flatMap(labelsOf))]);
  const problems = alike.map((names) => `These labels look the same: ${asOne(names)}`);
  const ambiguous = new Set(alike.flat());
  if (classes.length === 0) problems.push(whyNoneIsTrainedOn(splits, nothing));
  if (classes.length === 1)
    problems.push('The images to train on have one label; at least 2 are needed, one for each class.');
  for (const split of ['validation', 'test'] as const) {
    const unknown = labelsOf(split).filter((label) => !known.has(label) && !ambiguous.has(label));
    if (unknown.length > 0 && classes.length > 0)
      problems.push(`The ${split} set has labels that the training set lacks: ${someOf(unknown, mostNamed)}.`);
  }
  return { classes, problems };
}

function whyNoneIsTrainedOn(
  { validation = [], test = [] }: LabelledSplits<{ readonly label: string }>,
  nothing: string,
): string {
  const others = validation.length + test.length;
  if (others === 0) return nothing;
  const where = [...(validation.length > 0 ? ['validation'] : []), ...(test.length > 0 ? ['test'] : [])].join(' or ');
  return `There is no image to train on: ${others === 1 ? 'the only one is' : `all ${times(others, 'image')} are`} for ${where}.`;
}

/**
 * What is wrong with further labels: that two of one column look the same.
 *
 * @param rows the labels of each image, by column
 */
export function problemsOfLabels(
  rows: readonly (Readonly<Record<string, string>> | undefined)[],
  columns: readonly string[],
): readonly string[] {
  return columns.flatMap((column) => {
    const labels = new Set(rows.flatMap((row) => row?.[column] ?? []));
    return lookAlikes([...labels]).map(
      (names) => `These labels of "${visible(column)}" look the same: ${asOne(names)}`,
    );
  });
}

const asOne = (names: readonly string[]): string =>
  `${names.slice(0, mostNamed).map(withCodePoints).join(', ')}. Write all as one of them.`;
