import type { SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { isTaken, nameDigest, purposes } from './split.ts';

/** The splits of classes that are never trained on. */
export type UnseenSplit = Extract<SplitName, `unseen${string}`>;

/** Classes by whether they are trained on. */
export interface HeldOutClasses {
  /** Their names: first those that are trained on, then the others; each part in the order that it had. */
  readonly classes: readonly string[];
  /** How many are trained on. */
  readonly trainedClasses: number;
  /** The new label of each old one. */
  readonly labelOf: Int32Array;
  /** By new label, where the images of a class go; null for a class that is trained on. */
  readonly splitOf: readonly (UnseenSplit | null)[];
}

/**
 * Draws the classes that are never trained on, each by the hash of its name and the seed alone: not by its place, the other
 * classes or its images. So a class stays where it is when others are added. The share for validation is of those that the
 * test leaves.
 *
 * @throws ContrailError InvalidDataset where fewer than two classes are left to train on, or none is held out for the test
 */
export function holdOutClasses(
  names: readonly string[],
  { validation, test, seed }: { readonly validation: number; readonly test: number; readonly seed: number },
): HeldOutClasses {
  const splitOfName = (name: string): UnseenSplit | null => {
    const digest = nameDigest(name);
    if (isTaken(digest, test, seed, purposes.unseenTest)) return 'unseenTest';
    return isTaken(digest, validation, seed, purposes.unseenValidation) ? 'unseenValidation' : null;
  };
  const drawn = names.map((name, label) => ({ name, label, split: splitOfName(name) }));
  const trained = drawn.filter(({ split }) => split === null);
  const unseen = drawn.filter(({ split }) => split !== null);
  if (trained.length < 2)
    throw new ContrailError(
      'InvalidDataset',
      `Of ${names.length} classes \`split: { by: class }\` leaves ${trained.length === 0 ? 'none' : 'one'} to train on; at least 2 are needed. Lower \`split.test\` (${test}) and \`split.validation\` (${validation}), or take another \`split.seed\`.`,
    );
  const held = (wanted: UnseenSplit) => unseen.filter(({ split }) => split === wanted).length;
  if (test > 0 ? held('unseenTest') === 0 : unseen.length === 0)
    throw new ContrailError(
      'InvalidDataset',
      `Of ${names.length} classes \`split: { by: class }\` holds none out for the ${test > 0 ? 'test' : 'validation'}. ${test === 0 && validation === 0 ? 'Set `split.test` above 0' : `Raise \`split.${test > 0 ? `test\` (${test})` : `validation\` (${validation})`}, or take another \`split.seed\``}; or split by \`random\`.`,
    );
  const ordered = [...trained, ...unseen];
  const labelOf = new Int32Array(names.length);
  for (const [next, { label }] of ordered.entries()) labelOf[label] = next;
  return {
    classes: ordered.map(({ name }) => name),
    trainedClasses: trained.length,
    labelOf,
    splitOf: ordered.map(({ split }) => split),
  };
}
