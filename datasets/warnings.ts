import { type DatasetAbout, type SplitName, splitText, trainedClassesOf } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { someOf } from '../contracts/some-of.ts';
import type { CopyFinder } from './copies.ts';

const mostNamed = 8;

/** What copies of other images in a split do to what is measured on it. Train is written first, so it has none. */
const consequence: Readonly<Record<Exclude<SplitName, 'train'>, string>> & { readonly train?: undefined } = {
  validation: 'choices are too hopeful',
  test: 'accuracy is too high where they are not left out',
  unseenValidation: 'choices are too hopeful',
  unseenTest: 'what is found among unseen classes is too good where they are not left out',
};

/** What will keep a training or a measure from being what its user expects, known before either begins. */
export function warningsOf(
  about: Pick<DatasetAbout, 'classes' | 'splits' | 'trainedClasses'>,
  copies: CopyFinder,
  wanted: Pick<PrepareDataParameters, 'validation' | 'split'>,
): string[] {
  const { splits } = about;
  const classes = trainedClassesOf(about);
  const { train, validation, test, unseenValidation, unseenTest } = splits;
  const without = (split: typeof train, count: number) =>
    classes.filter((_, label) => (split.perClass[label] ?? 0) === count);
  const warnings: string[] = [];
  const say = (names: readonly string[], text: (which: string) => string) => {
    if (names.length > 0)
      warnings.push(
        text(`${names.length} of ${times(classes.length, 'class', 'classes')} (${someOf(names, mostNamed)})`),
      );
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
  if (wanted.split?.by === 'class' && !unseenValidation && (wanted.split.validation ?? wanted.validation) > 0)
    warnings.push(
      'No class fell to the unseen validation, so nothing can be chosen by unseen classes: raise `split.validation`, or take another `split.seed`.',
    );
  if (unseenTest && Math.max(...unseenTest.perClass) < 2)
    warnings.push('No unseen test class has two images, so a search among them has nothing to find: add images.');
  for (const { split, alsoIn, images, sameBytes, first } of copies.between()) {
    const of = splits[split]?.count ?? 0;
    const named = first.map(({ image, copyOf }) => `${image} is ${copyOf}`).join(', ');
    warnings.push(
      `${images} of ${times(of, `${splitText(split)} image`)} ${images === 1 ? 'is an exact copy' : 'are exact copies'} of ${splitText(alsoIn)} images (${times(sameBytes, 'file')} of the same bytes), so ${consequence[split]}: ${named}${images > first.length ? ', …' : ''}.`,
    );
  }
  const { images, first } = copies.contradictions();
  if (images > 0)
    warnings.push(
      `${images} ${images === 1 ? 'image is' : 'images are'} in two classes: ${first.map(({ image, copyOf }) => `${image} is ${copyOf}`).join(', ')}${images > first.length ? ', …' : ''}.`,
    );
  return warnings;
}
