import { likeness } from './class-names.ts';

/** How a folder of images is laid out, for messages. */
export const layoutShown = [
  'A folder of images has one folder for each class, and labels are the names of these folders:',
  '  <path>/train/<class>/…  with <path>/validation/<class>/… and <path>/test/<class>/… where there are any',
  '  or <path>/<class>/…',
].join('\n');

export type SplitFolder = 'train' | 'validation' | 'test';

const splitNames: Readonly<Record<string, SplitFolder>> = {
  train: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
};

/** Which names of folders beside train/ count. */
export const splitNamesShown = 'train, validation (or val, valid) and test, in any case';

/** Names that others give to splits, which may be classes as well. */
const otherSplitNames: Readonly<Record<string, SplitFolder>> = {
  training: 'train',
  trainset: 'train',
  train_set: 'train',
  'train set': 'train',
  dev: 'validation',
  development: 'validation',
  eval: 'validation',
  evaluation: 'validation',
  validate: 'validation',
  valset: 'validation',
  val_set: 'validation',
  testing: 'test',
  tests: 'test',
  testset: 'test',
  test_set: 'test',
  'test set': 'test',
  holdout: 'test',
};

/** The split that a folder of this name holds; null for any other name. */
export const splitOf = (name: string): SplitFolder | null => own(splitNames, name);

/** The split that a folder of this name probably means. */
export const probableSplitOf = (name: string): SplitFolder | null => own(otherSplitNames, name);

function own(table: Readonly<Record<string, SplitFolder>>, name: string): SplitFolder | null {
  const key = likeness(name);
  return Object.hasOwn(table, key) ? (table[key] ?? null) : null;
}
