import type { SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { withClassOrder } from './class-order.ts';
import { groupDigests, refuseDividedGroups } from './groups.ts';
import { type HeldOutClasses, holdOutClasses } from './held-out-classes.ts';
import type { RawDataset, RawSplit } from './source.ts';
import { divideRows, purposes, selectRows, sharesOf } from './split.ts';

/** Rows of a raw split that go into a split of the data set. */
export interface Part {
  readonly split: RawSplit;
  readonly chosen: readonly number[];
}

/** The parts of each split of the data set, in the order of its rows. A split of classes that are never trained on is there where any are. */
export type Parts = Readonly<Record<'train' | 'validation' | 'test', readonly Part[]>> &
  Readonly<Partial<Record<SplitName, readonly Part[]>>>;

/** A source whose images have been given their splits. */
export interface Division {
  /** With classes that are trained on first, where some are not. */
  readonly source: RawDataset;
  /** How many classes are trained on; absent where all are. */
  readonly trainedClasses?: number;
  readonly parts: Parts;
}

type Wanted = Pick<PrepareDataParameters, 'seed' | 'limit' | 'validation' | 'test' | 'split'>;

/**
 * Which rows of which raw split go where. Validation and test come out of train unless the source has its own; classes that are
 * held out are taken from wherever they are. A limit selects among the rows of a side, and moves none to another.
 *
 * @throws ContrailError InvalidDataset for a limit below the number of classes, and where groups or classes cannot be split so
 */
export function divide(source: RawDataset, wanted: Wanted): Division {
  const own = sharesOf(wanted);
  switch (wanted.split?.by) {
    case undefined:
    case 'random':
      return { source, parts: divideImages(source, own, wanted, ({ digests }) => digests) };
    case 'group':
      refuseDividedGroups(source);
      return { source, parts: divideImages(source, own, wanted, groupDigests) };
    case 'class': {
      const held = holdOutClasses(source.classes, own);
      const { trainedClasses } = held;
      const ordered = withClassOrder(source, held);
      return { source: ordered, trainedClasses, parts: divideClasses(ordered, held, wanted) };
    }
  }
}

type Shares = Pick<PrepareDataParameters, 'validation' | 'test' | 'seed'>;

/**
 * @param digestsOf what the side of each row follows from: of equal digests all are on one side
 * @param isTrained of which labels the images are divided; the others are left to who holds them out
 */
function divideImages(
  { classes, train, validation, test }: RawDataset,
  shares: Shares,
  { seed, limit }: Pick<Wanted, 'seed' | 'limit'>,
  digestsOf: (split: RawSplit) => Uint8Array,
  isTrained: (label: number) => boolean = () => true,
): Parts {
  requireLimits(limit, classes.filter((_, label) => isTrained(label)).length);
  let rest = rowsOf(train, isTrained);
  const byDigest = { labels: train.labels, digests: digestsOf(train) };
  const outOfTrain = (share: number, purpose: string): Part => {
    const { taken, left } = divideRows(byDigest, rest, share, shares.seed, purpose);
    rest = left;
    return { split: train, chosen: taken };
  };
  const testPart = test ? { split: test, chosen: rowsOf(test, isTrained) } : outOfTrain(shares.test, purposes.test);
  const validationPart = validation
    ? { split: validation, chosen: rowsOf(validation, isTrained) }
    : outOfTrain(shares.validation, purposes.validation);
  return {
    train: [limited({ split: train, chosen: rest }, limit.train, seed, 'train limit')],
    validation: [validationPart],
    test: [limited(testPart, limit.test, seed, 'test limit')],
  };
}

/** The images of classes that are trained on, divided as ever; those of the others, from wherever they are. */
function divideClasses(source: RawDataset, { splitOf }: HeldOutClasses, wanted: Omit<Wanted, 'split'>): Parts {
  const given = [source.train, source.validation, source.test].filter((split) => split !== undefined);
  const unseen = (['unseenValidation', 'unseenTest'] as const).flatMap((name) =>
    splitOf.includes(name)
      ? [[name, given.map((split) => ({ split, chosen: rowsOf(split, (label) => splitOf[label] === name) }))]]
      : [],
  );
  return {
    ...divideImages(
      source,
      wanted,
      wanted,
      ({ digests }) => digests,
      (label) => splitOf[label] === null,
    ),
    ...Object.fromEntries(unseen),
  };
}

function requireLimits(limit: PrepareDataParameters['limit'], classes: number): void {
  for (const [name, value] of Object.entries(limit))
    if (value !== undefined && value < classes)
      throw new ContrailError('InvalidDataset', `limit.${name} is ${value}, fewer than the ${classes} classes.`);
}

const rowsOf = ({ count, labels }: RawSplit, isWanted: (label: number) => boolean): number[] =>
  Array.from({ length: count }, (_, row) => row).filter((row) => isWanted(labels[row] ?? 0));

const limited = ({ split, chosen }: Part, most: number | undefined, seed: number, purpose: string): Part => ({
  split,
  chosen: most === undefined ? chosen : selectRows(split, chosen, most, seed, purpose),
});
