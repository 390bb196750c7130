import type { DatasetAbout } from '../contracts/artifacts.ts';
import { someOf } from '../contracts/some-of.ts';
import type { CopyFinder } from './copies.ts';

const mostNamed = 8;

/** What will keep a training or a measure from being what its user expects, known before either begins. */
export function warningsOf(
  { classes, splits }: Pick<DatasetAbout, 'classes' | 'splits'>,
  copies: CopyFinder,
  wanted: { readonly validation: number },
): string[] {
  const { train, validation, test } = splits;
  const without = (split: typeof train, count: number) =>
    classes.filter((_, label) => (split.perClass[label] ?? 0) === count);
  const warnings: string[] = [];
  const say = (names: readonly string[], text: (which: string) => string) => {
    if (names.length > 0)
      warnings.push(text(`${names.length} of ${classes.length} classes (${someOf(names, mostNamed)})`));
  };
  say(without(train, 0), (which) => `No training image of ${which}: they are never predicted.`);
  if (train.perClass.every((count) => count < 2))
    warnings.push('No class has two training images, so SupCon has no pair to learn from: add images.');
  else say(without(train, 1), (which) => `One training image of ${which}: SupCon has no other to compare it with.`);
  if (test.count === 0) warnings.push('The test set is empty: nothing can be evaluated. Add test/, or raise `test`.');
  else say(without(test, 0), (which) => `No test image of ${which}: nothing is measured of them.`);
  if (validation.count === 0) {
    if (wanted.validation > 0)
      warnings.push(
        'The validation set is empty: nothing can be chosen by it. Add validation/, or raise `validation`.',
      );
  } else say(without(validation, 0), (which) => `No validation image of ${which}.`);
  for (const { split, alsoIn, images, sameBytes, first } of copies.between()) {
    const of = splits[split].count;
    const named = first.map(({ image, copyOf }) => `${image} is ${copyOf}`).join(', ');
    warnings.push(
      `${images} of ${of} ${split} images are exact copies of ${alsoIn} images (${sameBytes} files of the same bytes), so ${split === 'test' ? 'accuracy is too high' : 'choices are too hopeful'}: ${named}${images > first.length ? ', …' : ''}.`,
    );
  }
  const { images, first } = copies.contradictions();
  if (images > 0)
    warnings.push(
      `${images} ${images === 1 ? 'image is' : 'images are'} in two classes: ${first.map(({ image, copyOf }) => `${image} is ${copyOf}`).join(', ')}${images > first.length ? ', …' : ''}.`,
    );
  return warnings;
}
