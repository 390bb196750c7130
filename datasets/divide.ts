import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import type { RawDataset, RawSplit } from './source.ts';
import { divideRows, purposes, selectRows } from './split.ts';

/** Rows of a raw split that go into a split of the data set. */
export interface Part {
  readonly split: RawSplit;
  readonly chosen: readonly number[];
}

/**
 * Which rows of which raw split go where. Validation and test come out of train unless the source has its own. A limit
 * selects among the rows of a side, and moves none to another.
 *
 * @throws ContrailError InvalidDataset for a limit below the number of classes
 */
export function divide(
  { classes, train, validation, test }: RawDataset,
  { seed, limit, ...shares }: Pick<PrepareDataParameters, 'seed' | 'limit' | 'validation' | 'test'>,
): Readonly<Record<'train' | 'validation' | 'test', Part>> {
  for (const [name, value] of Object.entries(limit))
    if (value !== undefined && value < classes.length)
      throw new ContrailError('InvalidDataset', `limit.${name} is ${value}, fewer than the ${classes.length} classes.`);
  const whole = (split: RawSplit): Part => ({ split, chosen: Array.from({ length: split.count }, (_, row) => row) });
  const limited = ({ split, chosen }: Part, most: number | undefined, purpose: string): Part => ({
    split,
    chosen: most === undefined ? chosen : selectRows(split, chosen, most, seed, purpose),
  });
  let rest = whole(train).chosen;
  const outOfTrain = (share: number, purpose: string): Part => {
    const { taken, left } = divideRows(train, rest, share, seed, purpose);
    rest = left;
    return { split: train, chosen: taken };
  };
  const testPart = test ? whole(test) : outOfTrain(shares.test, purposes.test);
  const validationPart = validation ? whole(validation) : outOfTrain(shares.validation, purposes.validation);
  return {
    train: limited({ split: train, chosen: rest }, limit.train, 'train limit'),
    validation: validationPart,
    test: limited(testPart, limit.test, 'test limit'),
  };
}
